/** A signal out of the journal: decoded, as its text, and as its bytes. */
import { type ReactNode, useMemo } from 'react';
import { Button } from '../../kit/button.tsx';
import { CodeBlock } from '../../kit/code-block.tsx';
import { saveFile } from '../../kit/download.ts';
import { Facts } from '../../kit/facts.tsx';
import { type Tab, Tabs } from '../../kit/tabs.tsx';
import { Time } from '../../kit/time.tsx';
import { bytesOf, hexDump } from './hex.ts';
import styles from './record-view.module.css';
import type { RecordSignals } from './record-view.tsx';
import type { SignalView } from './route.ts';

type AnySignal = RecordSignals['signal'];
type Received = Exclude<AnySignal, { gone: string }>;

/** More is downloaded, and not shown. */
const SHOWN_BYTES = 4_096;
const SHOWN_TEXT = 100_000;

export interface ReceivedSignalProps {
  signal: AnySignal;
  /** Of the file that its bytes are saved to. */
  name: string;
  show: SignalView;
  onShow: (show: SignalView) => void;
}

export function ReceivedSignal({ signal, name, show, onShow }: ReceivedSignalProps): ReactNode {
  if ('gone' in signal)
    return (
      <p className={styles.quiet}>
        {signal.detail} (journal frame {signal.sequence})
      </p>
    );
  return <Kept signal={signal} name={name} show={show} onShow={onShow} />;
}

function Kept({ signal, name, show, onShow }: ReceivedSignalProps & { signal: Received }): ReactNode {
  const { base64 } = signal.bytes;
  const bytes = useMemo(() => (base64 === undefined ? null : bytesOf(base64)), [base64]);
  const isText = signal.contentType.includes('json');
  const tabs: Tab<SignalView>[] = [
    {
      value: 'decoded',
      label: 'Decoded',
      content: <CodeBlock label="Decoded signal" code={cut(JSON.stringify(signal.signal, null, 2))} />,
    },
    ...(isText && bytes !== null
      ? [
          {
            value: 'text' as const,
            label: 'Text',
            content: <CodeBlock label="Received text" code={cut(new TextDecoder().decode(bytes))} />,
          },
        ]
      : []),
    {
      value: 'bytes',
      label: 'Bytes',
      content: <Bytes signal={signal} bytes={bytes} name={name} />,
    },
  ];
  const { counted } = signal;
  return (
    <>
      <Facts
        facts={[
          ['Received', <Time key="at" at={signal.receivedAt} detail="second" />],
          ['Journal', `frame ${signal.sequence}, signal ${signal.ordinal + 1} of it`],
          [
            'As',
            `${signal.contentType}${signal.contentEncoding === 'identity' ? '' : `, ${signal.contentEncoding}`}`,
          ],
          ...(counted === undefined
            ? []
            : [
                [
                  'Counted by',
                  `${counted.change === 'quarantine_replayed' ? 'a replay out of quarantine' : 'an amendment'}, frame ${counted.sequence}${counted.note ? `: ${counted.note}` : ''}`,
                ] as const,
              ]),
        ]}
      />
      <Tabs
        value={tabs.some(({ value }) => value === show) ? show : 'decoded'}
        onValue={onShow}
        tabs={tabs}
      />
    </>
  );
}

function Bytes({
  signal,
  bytes,
  name,
}: {
  signal: Received;
  bytes: Uint8Array<ArrayBuffer> | null;
  name: string;
}): ReactNode {
  const { of, offset, length } = signal.bytes;
  const where =
    of === 'message'
      ? `${length} bytes, from byte ${offset} of the request’s body as inflated`
      : `${length} bytes: all of the request’s body as inflated`;
  if (bytes === null)
    return <p className={styles.quiet}>{where}. They are too many to show here: the API has them.</p>;
  return (
    <div className={styles.bytes}>
      <div className={styles.bytesHead}>
        <span className={styles.quiet}>
          {where}
          {bytes.length > SHOWN_BYTES && `; the first ${SHOWN_BYTES} are shown`}
        </span>
        <Button
          onClick={() =>
            saveFile(`${name}-${signal.sequence}-${signal.ordinal}.bin`, 'application/octet-stream', [bytes])
          }
        >
          Save bytes
        </Button>
      </div>
      <CodeBlock label="Bytes" code={hexDump(bytes.subarray(0, SHOWN_BYTES))} />
    </div>
  );
}

function cut(text: string): string {
  return text.length > SHOWN_TEXT
    ? `${text.slice(0, SHOWN_TEXT)}\n… ${text.length - SHOWN_TEXT} more characters`
    : text;
}
