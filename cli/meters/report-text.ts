/** What a dry run tells, in words for people. (Pure.) */
import type {
  DryRunReport,
  QuarantinedReason,
  QuarantinedSample,
  UsageDifference,
} from '../../receiver/dry-run/report.ts';
import { counted, cut, number, printable, textTable } from '../text-table.ts';

/** Customers that are listed; the report for programs has more. */
const MAX_CUSTOMERS = 20;
const MAX_NAMES = 10;

export interface ReportContext {
  /** Where the version in force is from. */
  source: string;
  /** A receiver's journal was looked at, and no files. */
  isJournal: boolean;
  /** Characters of a line. */
  width: number;
}

export function reportText(report: DryRunReport, context: ReportContext): string {
  return [
    heading(report, context),
    usage(report, context.width),
    quarantine(report, context.width),
    replaced(report, context.width),
    discovered(report),
    records(report, context.width),
    unreadable(report),
    hints(report, context),
    ['', 'Nothing was changed.'],
  ]
    .flat()
    .join('\n');
}

function heading(report: DryRunReport, { source }: ReportContext): string[] {
  const { meterId, inForceVersion, signals, requests, matched, matchedInForce, duplicates } = report;
  const { receivedFrom, receivedUntil, stoppedBy } = report;
  const beside =
    inForceVersion === null
      ? 'which has no version in force'
      : inForceVersion === 0
        ? 'beside the rule that is in force'
        : `beside version ${inForceVersion}, which is in force`;
  const lines = [`Meter      ${printable(meterId)}, ${beside}`, `Known      from ${source}`];
  const period =
    receivedFrom === null || receivedUntil === null || receivedFrom === receivedUntil
      ? ''
      : `, received from ${receivedFrom} to ${receivedUntil}`;
  lines.push(`Looked at  ${counted(signals, 'signal')} in ${counted(requests, 'request')}${period}`);
  const inForce = inForceVersion === null ? '' : ` (in force: ${number(matchedInForce)})`;
  const repeated = duplicates === 0 ? '' : `, ${number(duplicates)} of them again, which does not count`;
  lines.push(`Matched    ${number(matched)}${inForce}${repeated}`);
  if (stoppedBy !== null)
    lines.push(
      `Stopped    ${stoppedBy === 'max_signals' ? 'at the limit of signals' : 'at the limit of time'}: the rest was not looked at`,
    );
  return lines;
}

function usage({ totals, customers, hasMoreCustomers, inForceVersion }: DryRunReport, width: number) {
  if (totals.length === 0) return ['', 'No usage would be counted.'];
  const compares = inForceVersion !== null;
  const head = ['customer', 'dimension', 'unit', 'quantity', 'records'];
  if (compares) head.push('in force', 'records', 'difference');
  const row = (usage: UsageDifference) => [
    usage.customerId === null ? '(all)' : printable(usage.customerId),
    printable(usage.dimensionId),
    printable(usage.aggregation === 'sum' ? usage.unit : `${usage.unit} ${usage.aggregation}`),
    usage.quantity ?? '–',
    number(usage.records),
    ...(compares
      ? [usage.inForceQuantity ?? '–', number(usage.inForceRecords), signed(usage.difference)]
      : []),
  ];
  const shown = customers.slice(0, MAX_CUSTOMERS);
  const rows = [...totals, ...shown].map(row);
  const lines = ['', 'Usage', ...textTable(head, rows, width)];
  const left = customers.length - shown.length;
  if (left > 0 || hasMoreCustomers)
    lines.push(`and ${number(left)}${hasMoreCustomers ? ' or more' : ''} rows that --json shows`);
  return lines;
}

function quarantine({ quarantined, inForceVersion }: DryRunReport, width: number): string[] {
  if (quarantined.length === 0) return [];
  const lines = ['', 'Would be quarantined'];
  for (const reason of quarantined) {
    const inForce = inForceVersion === null ? '' : ` (in force: ${number(reason.signalsInForce)})`;
    const amounts = reason.dimensions
      .slice(0, MAX_NAMES)
      .filter(({ quantity }) => quantity !== null)
      .map(({ dimensionId, quantity }) => `${quantity} of ${printable(dimensionId ?? 'no dimension')}`);
    const atStake = amounts.length === 0 ? '' : `: ${amounts.join(', ')}`;
    lines.push(cut(`  ${reason.reason}  ${counted(reason.signals, 'signal')}${inForce}${atStake}`, width));
    lines.push(...reason.samples.map((sample) => cut(`    ${sampleText(sample)}`, width)));
    const explained = EXPLANATIONS[reason.reason];
    if (explained !== undefined && reason.signals > 0) lines.push(`    ${explained}`);
  }
  return lines;
}

const EXPLANATIONS: Partial<Record<QuarantinedReason['reason'], string>> = {
  baseline: 'first readings of totals that began before: they count from there on',
};

function sampleText({ origin, kind, customerId, value, metricName, timestamp, signal }: QuarantinedSample) {
  const parts = [
    origin ?? '',
    `${kind}${metricName === '' ? '' : ` ${metricName}`}`,
    `value ${value}`,
    customerId === null ? 'no customer' : `customer ${customerId}`,
    timestamp ?? 'no time',
    signal === null ? '' : JSON.stringify(itemOf(signal)),
  ];
  return printable(parts.filter((part) => part !== '').join('  '));
}

/** What stands innermost in a request of one signal; its resource and scope are for --json. */
function itemOf(signal: unknown): unknown {
  let item = signal;
  for (const names of [
    ['resourceLogs', 'resourceSpans', 'resourceMetrics'],
    ['scopeLogs', 'scopeSpans', 'scopeMetrics'],
    ['logRecords', 'spans', 'metrics'],
  ]) {
    const name = names.find((each) => typeof item === 'object' && item !== null && each in item);
    if (name === undefined) return item;
    item = (item as Record<string, unknown[]>)[name][0];
  }
  return item;
}

function replaced(report: DryRunReport, width: number): string[] {
  if (report.replaced.length === 0) return [];
  const rows = report.replaced.map((row) => [
    printable(row.meterId),
    printable(row.dimensionId),
    printable(row.unit),
    row.before ?? '–',
    row.after ?? '–',
    signed(row.difference),
  ]);
  const head = ['meter', 'dimension', 'unit', 'now', 'then', 'difference'];
  return ['', 'Other meters would count', ...textTable(head, rows, width)];
}

function discovered({ discovered: { customers, customerCount, dimensions } }: DryRunReport): string[] {
  if (customerCount === 0 && dimensions.length === 0) return [];
  const lines = ['', 'Would become known, because nobody has declared them'];
  if (customerCount > 0)
    lines.push(`  ${counted(customerCount, 'customer')}: ${names(customers, customerCount)}`);
  if (dimensions.length > 0) {
    const texts = dimensions.map(({ id, unit }) => `${id} (unit ${unit === '' ? '1' : unit})`);
    lines.push(`  ${counted(dimensions.length, 'dimension')}: ${names(texts, texts.length)}`);
  }
  return lines;
}

function names(some: readonly string[], count: number): string {
  const shown = some.slice(0, MAX_NAMES).map(printable).join(', ');
  return count > MAX_NAMES ? `${shown}, …` : shown;
}

function records(report: DryRunReport, width: number): string[] {
  if (report.records.length === 0) return [];
  const rows = report.records.map((record) => [
    record.timestamp,
    printable(record.customerId),
    printable(record.dimensionId),
    record.recordValue,
    printable(JSON.stringify(record.metadata)),
  ]);
  const head = ['time', 'customer', 'dimension', 'value', 'metadata'];
  return ['', 'First records', ...textTable(head, rows, width)];
}

function unreadable({ unreadable: { requests, samples } }: DryRunReport): string[] {
  if (requests === 0) return [];
  const lines = [
    '',
    `${counted(requests, 'request')} could not be read and ${requests === 1 ? 'was' : 'were'} left out`,
  ];
  lines.push(...samples.map(({ origin, message }) => `  ${printable(`${origin}: ${message}`)}`));
  if (requests > samples.length) lines.push(`  and ${number(requests - samples.length)} more`);
  return lines;
}

/** What to look at where nothing came out. */
function hints({ matched, requests }: DryRunReport, { isJournal }: ReportContext): string[] {
  if (matched > 0) return [];
  const lines = [
    '',
    requests === 0 ? "There was no request of the rule's signals." : 'The rule matches none of them.',
  ];
  if (isJournal)
    lines.push(
      'The journal keeps no request in which no meter matched: for signals that nobody takes yet, capture some',
      'with the file exporter of the Collector, and name them with --files.',
    );
  return lines;
}

function signed(difference: string | null): string {
  if (difference === null) return '–';
  return difference === '0' || difference.startsWith('-') ? difference : `+${difference}`;
}
