import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startReceiver } from '../../support/receiver-process.ts';

const REQUESTS = 120;
const RECORDS = 50;
const DAY_MS = 86_400_000;

interface Round {
  found: [count: number, sum: number, ofDays: number, ofHours: number, ids: number, customers: number];
  keptIsUnchanged: boolean;
}

test('readers in other processes are never blocked and never wrong while usage comes', {
  timeout: 180_000,
}, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'readers-'));
  const receiver = await startReceiver({ dataDir });
  try {
    const send = async (request: number) => {
      // Some days, so that there are many files to merge; one whole request is one frame.
      const records = Array.from({ length: RECORDS }, (_, i) => ({
        customerId: `customer-${i % 7}`,
        dimensionId: `dimension-${request % 3}`,
        timestamp: new Date(Date.now() - ((request + i) % 3) * DAY_MS).toISOString(),
        recordValue: '1',
      }));
      const response = await fetch(`${receiver.url}/api/v1/usage`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(records),
      });
      expect(response.status).toBe(201);
    };
    await send(0);
    const catalogue = join(dataDir, 'lake', 'usage.duckdb');
    while (!existsSync(catalogue)) await sleep(50);

    const rounds: Round[] = [];
    const program = new URL('./reader-child.ts', import.meta.url).pathname;
    const reader = spawn(process.execPath, [program, catalogue], { stdio: ['pipe', 'pipe', 'pipe'] });
    let complaints = '';
    reader.stderr.on('data', (text) => {
      complaints += text;
    });
    const exited = new Promise<number | null>((resolve) => reader.once('close', resolve));
    const complete = Promise.withResolvers<void>();
    createInterface({ input: reader.stdout }).on('line', (line) => {
      const round = JSON.parse(line) as Round;
      rounds.push(round);
      if (round.found[0] === REQUESTS * RECORDS) complete.resolve();
    });
    for (let request = 1; request < REQUESTS; request++) {
      await send(request);
      await sleep(100);
    }
    await Promise.race([complete.promise, exited]);
    reader.stdin.end();
    expect([await exited, complaints]).toEqual([0, '']);

    let before = 0;
    for (const { found, keptIsUnchanged } of rounds) {
      const [count, sum, ofDays, ofHours, ids, customers] = found;
      expect([sum, ofDays, ofHours, ids, customers]).toEqual([
        count,
        count,
        count,
        count,
        count === 0 ? 0 : 7,
      ]);
      expect(count % RECORDS).toBe(0);
      expect(count).toBeGreaterThanOrEqual(before);
      expect(keptIsUnchanged).toBe(true);
      before = count;
    }
    expect(before).toBe(REQUESTS * RECORDS);
    // It did see usage come.
    expect(new Set(rounds.map(({ found }) => found[0])).size).toBeGreaterThan(2);
    await receiver.stop();
    expect(receiver.output()).not.toMatch(/lake could not/);
  } finally {
    await receiver.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
