import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { FRAME_CHANGES, FRAME_LOGS, FRAME_METRICS, FRAME_TRACES } from '../../../../receiver/frames.ts';
import { Interpreter } from '../../../../receiver/interpreter.ts';
import { BatchQueue } from '../../../../receiver/metering/batch-queue.ts';
import { Registry } from '../../../../receiver/metering/registry.ts';
import { type PackName, pack, parseMeterRule } from '../../../../receiver/metering/rules/index.ts';
import type { Change } from '../../../../storage/changes.ts';
import type { LedgerBatch } from '../../../../storage/ledger-batch.ts';
import { textFromInstant } from '../../../../storage/query/instant.ts';
import { DimensionDeclaration } from '../../../../storage/resources.ts';
import { MemoryLedger } from '../../../storage/duckdb/memory-ledger.ts';

/** When the meters were made, and when the signals came. */
const MADE = 1_767_225_600_000_000_000n;
const RECEIVED = 1_772_352_200_000_000_000n;

interface Configuration {
  dimensions?: unknown[];
  meters?: unknown[];
  packs?: Partial<Record<PackName, object | null>>;
}

const text = readFileSync(new URL('../../../../docs/meters.md', import.meta.url), 'utf8');
const examples = text
  .slice(text.indexOf('\n## Examples'))
  .split('\n### ')
  .slice(1)
  .map((section) => {
    const block = (language: string) =>
      [...section.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\n\`\`\``, 'gs'))].map(([, inner]) => inner);
    const [signals, records] = block('json').map((json) => JSON.parse(json));
    return {
      title: section.slice(0, section.indexOf('\n')),
      configuration: block('yaml')[0],
      signals,
      records,
    };
  });

function changesOf({ dimensions = [], meters = [], packs = {} }: Configuration): Change[] {
  const fromPacks = Object.entries(packs).map(([name, options]) => pack(name as PackName, options ?? {}));
  const managedBy = 'file';
  return [
    ...[
      ...fromPacks.flatMap((made) => made.dimensions),
      ...dimensions.map((one) => DimensionDeclaration.parse(one)),
    ].map((dimension): Change => ({ type: 'dimension_put', dimension, managedBy })),
    ...[...fromPacks.flatMap((made) => made.meters), ...meters.map(parseMeterRule)].map(
      (rule): Change => ({ type: 'meter_put', id: rule.id, rule, managedBy }),
    ),
  ];
}

function frameKind(signals: object): number {
  if ('resourceLogs' in signals) return FRAME_LOGS;
  return 'resourceSpans' in signals ? FRAME_TRACES : FRAME_METRICS;
}

/** What the receiver and the ledger make of the signals, as GET /api/v1/records would tell it. */
async function usageOf(configuration: Configuration, signals: object): Promise<Record<string, unknown>[]> {
  const queue = new BatchQueue();
  const interpreter = new Interpreter(new Registry(), queue);
  const take = (sequence: number, receivedAtUnixNano: bigint, kind: number, body: unknown): void => {
    const payload = Buffer.from(JSON.stringify(body));
    interpreter.frame({ sequence, receivedAtUnixNano, kind, encoding: 1, payload }, new Map());
    queue.endFrame(sequence, receivedAtUnixNano);
    if (kind === FRAME_CHANGES) queue.endChanges();
  };
  take(1, MADE, FRAME_CHANGES, { changes: changesOf(configuration) });
  take(2, RECEIVED, frameKind(signals), signals);
  const batches: LedgerBatch[] = [];
  for (let batch = queue.take(2); batch !== null; batch = queue.take(2)) batches.push(batch);

  const ledger = await MemoryLedger.open();
  try {
    await ledger.load(...batches);
    const rows = await ledger.rows(`
      SELECT customer_id, dimension_id, regexp_replace(record_value::VARCHAR, '[.]?0+$', ''), unit,
        epoch_ns(timestamp)::VARCHAR, epoch_ns(start_time)::VARCHAR, metadata
      FROM usage_records WHERE record_value <> 0 ORDER BY dimension_id, timestamp`);
    return rows.map(([customerId, dimensionId, recordValue, unit, timestamp, startTime, metadata]) => ({
      customerId,
      dimensionId,
      recordValue,
      unit,
      timestamp: textFromInstant(BigInt(timestamp)),
      ...(startTime !== 'null' && { startTime: textFromInstant(BigInt(startTime)) }),
      metadata: JSON.parse(metadata),
    }));
  } finally {
    await ledger.close();
  }
}

test('docs/meters.md has its examples', () => {
  expect(examples.map(({ title }) => title)).toEqual([
    "JSON in a log's string body",
    'Tokens of model calls',
    'A counter of a Prometheus exporter',
    'Requests of an HTTP server',
    'Billing time by the duration of spans',
  ]);
});

test.each(examples)('docs/meters.md: $title', async ({ configuration, signals, records }) => {
  expect(await usageOf(parse(configuration), signals)).toEqual(records);
});
