/** The explanation of a cell in words for people. (Pure.) */
import { localTime } from '../local-time.ts';
import { fieldsText } from '../resources/resources.ts';
import { counted, decimal, number, printable, textTable } from '../text-table.ts';
import type { Explanation } from './explain.ts';

export interface ExplainTextContext {
  timeZone: string;
  /** Columns of a line. */
  width: number;
  strong(text: string): string;
}

export function explanationText(explanation: Explanation, context: ExplainTextContext): string {
  const { cell } = explanation;
  if (cell === null) return 'Nothing was used: the usage answer has no such row.';
  const { timeZone, strong } = context;
  const { customerId, dimensionId, metadata = {}, windowStart, windowEnd } = cell;
  const names = [customerId, dimensionId, ...Object.values(metadata).map((value) => value ?? '–')];
  const title = names.flatMap((name) => (name === undefined ? [] : [printable(name)])).join('  ');
  return [
    strong(`${title === '' ? 'all' : title}  [${printable(cell.unit)}]`),
    `${localTime(windowStart, timeZone)} to ${localTime(windowEnd, timeZone)} (${timeZone})`,
    '',
    ...textTable(
      ['', 'how'],
      explanation.steps.map(({ value, text }) => [decimal(value), text]),
      context.width,
    ).slice(1),
    ...carriedText(explanation, context),
    ...partsText(explanation, context),
    ...recordsText(explanation, context),
    ...signalsText(explanation, context),
  ].join('\n');
}

function carriedText({ carriedIn }: Explanation, { timeZone }: ExplainTextContext): string[] {
  if (carriedIn === null) return [];
  const { recordValue, timestamp } = carriedIn.record;
  return ['', `Carried in: the level ${decimal(recordValue)}, since ${localTime(timestamp, timeZone)}`];
}

/** One part is the cell itself. */
function partsText({ parts }: Explanation, { timeZone, width, strong }: ExplainTextContext): string[] {
  if (parts.length < 2) return [];
  const [head, ...lines] = textTable(
    ['part', 'quantity', 'records'],
    parts.map(({ begin, quantity, records }) => [
      localTime(begin, timeZone),
      decimal(quantity),
      number(records),
    ]),
    width,
  );
  return ['', strong(head), ...lines];
}

function recordsText(explanation: Explanation, { timeZone, width, strong }: ExplainTextContext): string[] {
  const { records, nextCursor } = explanation;
  if (records.length === 0) return ['', 'No records.'];
  const [head, ...lines] = textTable(
    ['record', 'time', 'value', 'adds', 'kind', 'meter', 'frame', 'flags'],
    records.map((record) => [
      record.recordId,
      localTime(record.timestamp, timeZone),
      decimal(record.recordValue),
      decimal(record.contribution),
      record.kind,
      `${printable(record.meterId)} v${record.meterVersion}`,
      number(record.sequence),
      record.flags.join(' '),
    ]),
    width,
    [0],
  );
  const more =
    nextCursor === null ? [] : [`The first ${counted(records.length, 'record')}; --limit shows more.`];
  return ['', strong(head), ...lines, ...more];
}

/** Each signal as it came, where they were asked for. */
function signalsText({ records }: Explanation, { strong }: ExplainTextContext): string[] {
  return records.flatMap(({ recordId, signal }) =>
    signal === undefined ? [] : ['', strong(`Signal of record ${recordId}`), fieldsText(signal)],
  );
}
