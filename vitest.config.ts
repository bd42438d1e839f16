import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real servers, real disks: a file at a time per core, with room for a slow shared machine.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Of expect.poll: what is waited for comes, however slow the machine is.
    expect: { poll: { timeout: 20_000 } },
  },
});
