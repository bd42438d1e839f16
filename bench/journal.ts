/**
 * What the journal costs: `node bench/journal.ts [--json FILE] [--dir DIRECTORY] [--seconds N]`.
 *
 * Appenders in a closed loop (append, wait until durable, again) against the naive way on the same disk, in the same
 * run: one write and one fdatasync per frame, one after the other.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Journal } from '../storage/journal/journal.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    seconds: { type: 'string', default: '1.5' },
  },
});

interface Figures {
  way: 'journal' | 'fdatasync per frame';
  frameBytes: number;
  appenders: number;
  framesPerSecond: number;
  /** User and system time of the whole process. */
  cpuMicrosPerFrame: number;
  framesPerGroup: number;
  p50Ms: number;
  p99Ms: number;
}

const directory = mkdtempSync(join(options.dir, 'journal-bench-'));
const figures: Figures[] = [];
try {
  for (const frameBytes of [300, 70_000]) {
    for (const appenders of [1, 16, 64]) {
      figures.push(await measure('journal', frameBytes, appenders, await journalAppend()));
      figures.push(
        await measure('fdatasync per frame', frameBytes, appenders, await naiveAppend(frameBytes)),
      );
    }
  }
  const recovery = await measureRecovery();
  if (options.json !== undefined)
    writeFileSync(options.json, JSON.stringify({ journal: figures, recovery }, null, 2));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

interface Appender {
  append(payload: Uint8Array): Promise<void>;
  groups(): number;
  close(): Promise<void>;
}

async function journalAppend(): Promise<Appender> {
  const path = mkdtempSync(join(directory, 'journal-'));
  const journal = await Journal.open(path);
  let groups = 0;
  journal.onDurable(() => groups++);
  return {
    append: (payload) =>
      journal.durable(
        journal.append({ receivedAtUnixNano: 1_700_000_000_000_000_000n, kind: 1, encoding: 1, payload }),
      ),
    groups: () => groups,
    async close() {
      await journal.close();
      rmSync(path, { recursive: true });
    },
  };
}

async function naiveAppend(frameBytes: number): Promise<Appender> {
  const path = join(directory, 'naive');
  const handle: FileHandle = await open(path, 'w');
  let position = 0;
  let groups = 0;
  let last: Promise<void> = Promise.resolve();
  const write = async (payload: Uint8Array) => {
    await handle.write(payload, 0, frameBytes, position);
    await handle.datasync();
    position += frameBytes;
    groups++;
  };
  return {
    append(payload) {
      last = last.then(() => write(payload));
      return last;
    },
    groups: () => groups,
    async close() {
      await handle.close();
      rmSync(path);
    },
  };
}

async function measure(
  way: Figures['way'],
  frameBytes: number,
  appenders: number,
  target: Appender,
): Promise<Figures> {
  const payload = Buffer.alloc(frameBytes, 0x5a);
  const run = async (seconds: number) => {
    const latencies: number[] = [];
    const until = performance.now() + seconds * 1000;
    await Promise.all(
      Array.from({ length: appenders }, async () => {
        for (let now = performance.now(); now < until; ) {
          await target.append(payload);
          const later = performance.now();
          latencies.push(later - now);
          now = later;
        }
      }),
    );
    return latencies;
  };
  await run(0.3);
  const groupsBefore = target.groups();
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const latencies = await run(Number(options.seconds));
  const seconds = (performance.now() - start) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const groups = target.groups() - groupsBefore;
  await target.close();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) =>
    round(latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))], 2);
  const result: Figures = {
    way,
    frameBytes,
    appenders,
    framesPerSecond: Math.round(latencies.length / seconds),
    cpuMicrosPerFrame: round((cpu.user + cpu.system) / latencies.length, 1),
    framesPerGroup: round(latencies.length / groups, 1),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  };
  console.log(
    `${way.padEnd(20)} ${String(frameBytes).padStart(6)} B × ${String(appenders).padStart(2)}: ` +
      `${String(result.framesPerSecond).padStart(7)} frames/s  ${String(result.cpuMicrosPerFrame).padStart(6)} µs CPU/frame  ` +
      `${String(result.framesPerGroup).padStart(5)} frames/group  p50 ${result.p50Ms} ms  p99 ${result.p99Ms} ms`,
  );
  return result;
}

/** Opening and reading back, of small frames (many headers) and large ones (many bytes). */
async function measureRecovery() {
  const results = [];
  for (const [frameBytes, frames] of [
    [300, 300_000],
    [70_000, 2000],
  ]) {
    const path = mkdtempSync(join(directory, 'recovery-'));
    let journal = await Journal.open(path);
    const payload = Buffer.alloc(frameBytes, 0x5a);
    for (let i = 0; i < frames; i++) {
      journal.append({ receivedAtUnixNano: 1n, kind: 1, encoding: 1, payload });
      if (i % 1000 === 999) await journal.durable(journal.lastSequence);
    }
    await journal.close();
    const opening = performance.now();
    journal = await Journal.open(path);
    const reading = performance.now();
    let count = 0;
    for await (const _ of journal.frames(1)) count++;
    const end = performance.now();
    await journal.close();
    rmSync(path, { recursive: true });
    const microsPerFrame = (ms: number) => round((ms * 1000) / count, 2);
    const result = {
      frameBytes,
      frames: count,
      openMicrosPerFrame: microsPerFrame(reading - opening),
      readMicrosPerFrame: microsPerFrame(end - reading),
    };
    console.log(
      `recovery             ${String(frameBytes).padStart(6)} B: open ${result.openMicrosPerFrame} µs/frame, ` +
        `read back ${result.readMicrosPerFrame} µs/frame (${count} frames)`,
    );
    results.push(result);
  }
  return results;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
