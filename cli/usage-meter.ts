#!/usr/bin/env node
/** The `usage-meter` command. */

// DuckDB's queries occupy threads of libuv's pool; with the default of 4 they delay the journal's fsync by seconds.
// The pool reads its size when it is first used, so this comes before anything is imported.
process.env.UV_THREADPOOL_SIZE ??= '16';
const { run } = await import('./command.ts');
await run(process.argv);

export {};
