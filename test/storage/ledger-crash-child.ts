/**
 * Loads batches into a ledger until it is killed: `node ledger-crash-child.ts PATH FRAMES`. Begins behind the ledger's
 * position, as a receiver does that interprets its journal, and says each position that was committed. Where loading
 * fails, it opens the ledger again and says at which position.
 */
import { Ledger, type LedgerError } from '../../storage/ledger.ts';
import type { LedgerBatch } from '../../storage/ledger-batch.ts';
import { at, BatchWriter, type TestPoint } from './duckdb/batches.ts';

/** The frame of a sequence: the same points whenever it is asked for. Half of the points were sent before. */
export function frameOf(sequence: number): TestPoint[] {
  const points: TestPoint[] = [];
  for (const tick of [sequence, Math.max(1, sequence - 3)]) {
    for (let customer = 0; customer < 20; customer++) {
      points.push({ series: `delta-${customer}`, time: at(tick), value: String(tick) });
    }
    const ofTick = { time: at(tick), value: String(tick) };
    points.push({ ...ofTick, series: 'events', role: 'event', event: `event ${tick}` });
    points.push({
      series: 'total',
      role: 'cumulative',
      start: at(0),
      time: at(tick),
      value: String(tick * 10),
    });
  }
  points.push({ series: 'bad', time: at(sequence), value: 'NaN', code: 'not_a_number' });
  return points;
}

/** Every tenth frame also says something new of a customer. */
export function batchOf(sequence: number, writer: BatchWriter): LedgerBatch {
  if (sequence % 10 !== 0) return writer.batch(frameOf(sequence));
  return writer.changes(
    [
      {
        type: 'customer_put',
        customer: {
          id: 'events',
          name: `as of ${sequence}`,
          email: null,
          timeZone: null,
          aliases: [],
          metadata: {},
        },
        managedBy: 'api',
      },
    ],
    frameOf(sequence),
  );
}

if (process.argv[1] === import.meta.filename) {
  const [path, frames] = process.argv.slice(2);
  const ledger = await Ledger.open({
    path,
    commitIntervalMs: 1,
    commitRows: 400,
    checkpointThreshold: '100KB',
  });
  try {
    await loadUntil(Number(frames), ledger);
    await ledger.close();
  } catch (error) {
    // As a receiver does: what failed is closed, and opened again in the same process.
    process.stdout.write(`failed ${(error as LedgerError).code}\n`);
    await ledger.close().catch(() => {});
    const again = await Ledger.open({ path });
    process.stdout.write(`reopened ${again.position}\n`);
    await again.close();
  }
}

async function loadUntil(frames: number, ledger: Ledger): Promise<void> {
  const { customers, dimensions } = await ledger.registry();
  ledger.onLoaded((position) => process.stdout.write(`${position}\n`));
  const writer = new BatchWriter(ledger.position, { customers, dimensions: dimensions.map(({ id }) => id) });
  while (writer.sequence < frames) {
    ledger.append(batchOf(writer.sequence + 1, writer));
    if (ledger.unloadedRows > 2000) await ledger.whenLoaded(writer.sequence - 10);
  }
  await ledger.whenLoaded(frames);
}
