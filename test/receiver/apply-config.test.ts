import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyConfig } from '../../receiver/apply-config.ts';
import type { FileResources } from '../../receiver/config-changes.ts';
import { ConfigError } from '../../receiver/config-error.ts';
import { FRAME_METRICS, PLAIN_JSON } from '../../receiver/frames.ts';
import { Ingest } from '../../receiver/ingest.ts';
import { DEFAULT_SETTINGS } from '../../storage/changes.ts';
import { DimensionDeclaration } from '../../storage/resources.ts';

let directory: string;
let ingest: Ingest;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'apply-config-'));
  ingest = await Ingest.open({ dataDir: directory });
});

afterEach(async () => {
  await ingest.close();
  await rm(directory, { recursive: true, force: true });
});

function fileWith(...dimensions: { id: string; unit: string }[]): FileResources {
  return {
    customers: [],
    meters: [],
    settings: DEFAULT_SETTINGS,
    dimensions: dimensions.map((one) => DimensionDeclaration.parse(one)),
  };
}

let seconds = 0;
/** Usage of the dimension, in a unit. @returns why it was quarantined, if it was */
async function used(name: string, unit: string, asInt: number): Promise<string[]> {
  const timeUnixNano = String(BigInt(Date.now()) * 1_000_000n - 3_600_000_000_000n + BigInt(++seconds));
  const attributes = [{ key: 'usage.customer.id', value: { stringValue: 'acme' } }];
  const sum = {
    aggregationTemporality: 1,
    isMonotonic: true,
    dataPoints: [{ timeUnixNano, asInt, attributes }],
  };
  const metrics = [{ name: `usage.${name}`, unit, sum }];
  const body = { resourceMetrics: [{ resource: {}, scopeMetrics: [{ scope: {}, metrics }] }] };
  const outcome = await ingest.signals(FRAME_METRICS, Buffer.from(JSON.stringify(body)), PLAIN_JSON);
  return [...outcome.quarantined.keys()];
}

async function dimension(id: string): Promise<{ unit: string; discovered: boolean } | null> {
  await ingest.caughtUp();
  const known = await ingest.ledger.query({ type: 'dimension', query: id });
  return known === null ? null : { unit: known.unit, discovered: known.discovered };
}

test.each([
  // the process lives on, or not, after the dimension has left the file
  ['live', false],
  ['after a restart', true],
])('a dimension that left the file keeps the unit of its usage: %s', async (_, restarts) => {
  await applyConfig(ingest, fileWith({ id: 'storage', unit: 'kBy' }, { id: 'unused', unit: 'kBy' }));
  expect(await used('storage', 'By', 5000)).toEqual([]);
  await applyConfig(ingest, fileWith());
  expect(await dimension('storage')).toBe(null);
  if (restarts) {
    await ingest.close();
    ingest = await Ingest.open({ dataDir: directory });
  }

  // Five kBy and three of something would be eight.
  expect(await used('storage', '{file}', 3)).toEqual(['wrong_unit']);
  await expect(applyConfig(ingest, fileWith({ id: 'storage', unit: '{file}' }))).rejects.toThrow(ConfigError);
  expect(await dimension('storage')).toBe(null);
  expect(await used('storage', 'By', 2000)).toEqual([]);
  expect(await dimension('storage')).toEqual({ unit: 'kBy', discovered: true });
  expect(await used('unused', '{file}', 3)).toEqual([]);
  expect(await dimension('unused')).toEqual({ unit: '{file}', discovered: true });
});
