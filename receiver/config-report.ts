/** What `usage-meter config check` says, as text for people and as JSON for programs. Pure. */
import { relative } from 'node:path';
import { exposureFault, type LoadedConfig, type SettingSource } from './config.ts';
import { type ConfigError, problemText } from './config-error.ts';

export interface ConfigReport {
  /** Lines for standard output. */
  lines: string[];
  /** The same for programs: `{problems}`, or `{problems: [], warnings, settings, counts}`. */
  json: Record<string, unknown>;
}

/** Of a configuration that can be used. */
export function configReport(
  { server, file, described }: LoadedConfig,
  workingDirectory: string,
): ConfigReport {
  const counts = {
    dimensions: file?.dimensions.length ?? 0,
    customers: file?.customers.length ?? 0,
    meters: file?.meters.length ?? 0,
  };
  const exposed = exposureFault(server);
  const warnings = [
    ...(file?.warnings ?? []).map((warning) => problemText(shortened(warning, workingDirectory))),
    ...(exposed === null ? [] : [exposed]),
  ];
  const summary = [
    counted(counts.dimensions, 'dimension'),
    counted(counts.customers, 'customer'),
    counted(counts.meters, 'meter'),
    ...(file === null || file.packs.length === 0 ? [] : [counted(file.packs.length, 'pack')]),
  ].join(', ');
  const named = file === null ? 'no file' : shortPath(file.path, workingDirectory);
  const rows = described.map(({ name, value, source }) => [
    name,
    value === null ? 'none' : String(value),
    sourceText(source, workingDirectory),
  ]);
  const lines = [
    ...table([['setting', 'value', 'from'], ...rows]),
    '',
    ...warnings.map((warning) => `warning: ${warning}`),
    `${named}: ${summary}: ${warnings.length === 0 ? 'no problems' : `usable, with ${counted(warnings.length, 'warning')}`}`,
  ];
  return { lines, json: { problems: [], warnings, settings: described, counts } };
}

/** Of one that cannot. */
export function faultReport(error: ConfigError, workingDirectory: string): ConfigReport {
  const { problems, message } = error;
  if (problems.length === 0) return { lines: [message], json: { problems: [{ message }] } };
  const lines = problems.map((problem) => problemText(shortened(problem, workingDirectory)));
  return { lines: [...lines, '', counted(problems.length, 'problem')], json: { problems } };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function sourceText(source: SettingSource, workingDirectory: string): string {
  switch (source.from) {
    case 'default':
      return 'default';
    case 'file':
      return `${shortPath(source.file, workingDirectory)}:${source.line}`;
    case 'environment':
      return source.variable;
    case 'flag':
      return source.flag;
  }
}

function shortened<T extends { file: string }>(problem: T, workingDirectory: string): T {
  return { ...problem, file: shortPath(problem.file, workingDirectory) };
}

/** Of files below the working directory, what people would type. */
function shortPath(path: string, workingDirectory: string): string {
  const short = relative(workingDirectory, path);
  return short === '' || short.startsWith('..') ? path : short;
}

function table(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}
