/** How settings that cannot be used are told. */

/** One thing that is wrong in a configuration file. */
export interface ConfigProblem {
  file: string;
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  /** Where in the contents: `meters[0].match.all[1].regex`; empty where it is the file as a whole. */
  path: string;
  message: string;
}

/** Settings that cannot be used. The message names each of them, and what it must be. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
  readonly retryable = false;
  /** Of a configuration file; empty where a flag or an environment variable is wrong. */
  readonly problems: readonly ConfigProblem[];

  constructor(message: string, problems: readonly ConfigProblem[] = [], options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `file:line:column: path: message`, which editors and CI systems can follow. */
export function problemText({ file, line, column, path, message }: ConfigProblem): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}
