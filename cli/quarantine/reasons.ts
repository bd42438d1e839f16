/** `usage-meter quarantine reasons`: what a reason means, and what helps. It asks no receiver. */
import { QUARANTINE_REASONS, type QuarantineReason } from '../../storage/quarantine-reasons.ts';
import type { Shell } from '../shell.ts';
import { UsageError } from '../usage-error.ts';

/** @throws UsageError where there is no such reason */
export function explainReasons(codes: readonly string[], flags: { json?: boolean }, shell: Shell): void {
  const rows = codes.length === 0 ? QUARANTINE_REASONS : codes.map(reasonOf);
  if (flags.json) {
    shell.printJson({ rows });
  } else if (codes.length === 0) {
    const table = rows.map(({ reason, title }) => [reason, title]);
    shell.printTable(['reason', 'title'], table);
    noteReasons(shell);
  } else {
    shell.print(rows.map((row) => explained(row, shell)).join('\n\n'));
  }
}

/** Says to people, not to scripts, where there is more about a reason. */
export function noteReasons(shell: Shell): void {
  if (shell.output.isTTY) shell.note('What helps: usage-meter quarantine reasons CODE');
}

function explained({ reason, title, meaning, listed, writer }: QuarantineReason, shell: Shell): string {
  return [
    shell.style('bold', `${title} (${reason})`),
    `${meaning}.`,
    `What is listed:   ${listed}.`,
    ...(writer === '' ? [] : [`What is to come:  ${writer}.`]),
  ].join('\n');
}

function reasonOf(code: string): QuarantineReason {
  const known = QUARANTINE_REASONS.find(({ reason }) => reason === code);
  if (known !== undefined) return known;
  const codes = QUARANTINE_REASONS.map(({ reason }) => reason).join(', ');
  throw new UsageError(`a reason is one of ${codes} (got "${code}")`);
}
