/** `node scripts/sql-views.ts`: writes the views and columns of docs/sql.md as the lake has them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { VIEWS } from '../storage/duckdb/views.ts';

const PATH = new URL('../docs/sql.md', import.meta.url);
const HEADING = '## Views\n';

/** The part of docs/sql.md from its heading on. */
export function viewsText(): string {
  const views = VIEWS.filter(({ name }) => name !== 'usage_flags').map(({ name, comment, columns }) =>
    [
      `### ${name}`,
      comment,
      [
        '| column | |',
        '|---|---|',
        ...columns.map(([column, , text]) => `| ${column} | ${cell(text)} |`),
      ].join('\n'),
    ].join('\n\n'),
  );
  const status = [
    '### lake_status',
    'What this catalogue shows: one row.',
    '| column | |\n|---|---|\n| journal_sequence | All usage up to this frame of the journal is here. |\n' +
      '| as_of | The views are as the ledger was at this instant. |\n| age | How long ago that was. |',
  ].join('\n\n');
  return `${HEADING}\n${[...views, status].join('\n\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const before = readFileSync(PATH, 'utf8').split(HEADING)[0];
  writeFileSync(PATH, before + viewsText());
}
