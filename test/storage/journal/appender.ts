/**
 * A process that appends, for tests that kill it or take its disk away. Each line of its output is one JSON value:
 * an acknowledged sequence, or what happened. Run: `node appender.ts endless|full DIRECTORY [fillerFile]`.
 */
import { rmSync } from 'node:fs';
import { Journal, type JournalError } from '../../../storage/journal/journal.ts';
import { frame } from './frames.ts';

const [mode, directory, filler] = process.argv.slice(2);
const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

if (mode === 'endless') await endless();
else await full();

/** Eight appenders; small segments, so that kills also hit the beginning of one. */
async function endless(): Promise<void> {
  const journal = await Journal.open(directory, { segmentBytes: 64 * 1024 });
  const append = async () => {
    for (;;) {
      const id = journal.lastSequence + 1;
      const sequence = journal.append(frame(id, (id * 397) % 5000));
      await journal.durable(sequence);
      print(sequence);
    }
  };
  await Promise.all(Array.from({ length: 8 }, append));
}

/** Appends until the disk is full, opens again on the full disk, makes room, opens again. */
async function full(): Promise<void> {
  let journal = await Journal.open(directory);
  print({ acknowledged: await appendUntilRefused(journal) });
  await journal.close();

  journal = await Journal.open(directory);
  print({ reopened: journal.lastSequence, cut: journal.recovery.cut !== null });
  print({ acknowledged: await appendUntilRefused(journal) });
  await journal.close();

  // Either somebody else's file goes, or (where the limit is that of one file) a new segment is allowed to begin.
  if (filler !== undefined) rmSync(filler);
  journal = await Journal.open(directory, filler === undefined ? { segmentBytes: 16 * 1024 } : {});
  const sequence = journal.append(frame(journal.lastSequence + 1, 1000));
  await journal.durable(sequence);
  print({ acknowledged: sequence });
  await journal.close();
}

async function appendUntilRefused(journal: Journal): Promise<number> {
  for (;;) {
    const sequences: number[] = [];
    for (let i = 0; i < 3; i++) sequences.push(journal.append(frame(journal.lastSequence + 1, 3000)));
    const answers = await Promise.allSettled(sequences.map((sequence) => journal.durable(sequence)));
    const refused = answers.filter((answer) => answer.status === 'rejected');
    if (refused.length === 0) continue;
    const error = refused[0].reason as JournalError;
    print({
      refused: refused.length,
      code: error.code,
      retryable: error.retryable,
      cause: (error.cause as NodeJS.ErrnoException).code,
      sameForLater: await journal.durable(sequences[2]).catch((later) => later === error),
      sameForAppend: appendError(journal) === error,
    });
    return journal.durableSequence;
  }
}

function appendError(journal: Journal): unknown {
  try {
    return journal.append(frame(1, 1));
  } catch (error) {
    return error;
  }
}
