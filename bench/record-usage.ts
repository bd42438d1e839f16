/**
 * What recordUsage costs the request that it is called in: CPU per call, beside a bare `counter.add` of the SDK with
 * the same attributes in the same run. `node bench/record-usage.ts [--json FILE]`
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Attributes, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type CollectionResult,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  ATTR_USAGE_CUSTOMER_ID,
  ATTR_USAGE_DIMENSION_ID,
  createUsageMeter,
  type Usage,
} from '../instrumentation/index.ts';

const CUSTOMERS = 2_000;
const CALLS_PER_ROUND = 200_000;
const ROUNDS = 10;

const { values: options } = parseArgs({ options: { json: { type: 'string' } } });

/** Collects deltas, which empties the counter's map, as an exporting reader does. */
class DeltaReader extends MetricReader {
  constructor() {
    super({
      aggregationTemporalitySelector: () => AggregationTemporality.DELTA,
      cardinalitySelector: () => 1_000_000,
    });
  }
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

// Three keys of metadata in the order in which applications write them; a request is a new object each time.
const metadata = Array.from({ length: CUSTOMERS }, (_, i) => ({
  region: ['eu-west-1', 'us-east-1', 'ap-south-1'][i % 3],
  plan: ['free', 'team', 'enterprise'][(i % 7) % 3],
  route: `/v1/things/${i % 5}`,
}));
const customers = Array.from({ length: CUSTOMERS }, (_, i) => `customer-${i}`);

function usage(i: number, value: number): Usage {
  const customer = i % CUSTOMERS;
  const { region, plan, route } = metadata[customer];
  return {
    customer: customers[customer],
    dimension: 'api.requests',
    value,
    metadata: { region, plan, route },
  };
}

function attributes(i: number): Attributes {
  const customer = i % CUSTOMERS;
  const { region, plan, route } = metadata[customer];
  return {
    [ATTR_USAGE_CUSTOMER_ID]: customers[customer],
    [ATTR_USAGE_DIMENSION_ID]: 'api.requests',
    region,
    plan,
    route,
  };
}

/** CPU of this process for the calls of one round, in nanoseconds per call. */
function cpuNanosPerCall(call: (i: number) => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < CALLS_PER_ROUND; i++) call(i);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / CALLS_PER_ROUND;
}

const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const reader = new DeltaReader();
const provider = new MeterProvider({ readers: [reader] });
const counter = provider
  .getMeter('bench')
  .createCounter('usage.api.requests', { unit: '1', valueType: ValueType.INT });
// Never sends: the port is closed, and what it sums stays one round's series.
const meter = createUsageMeter({
  endpoint: 'http://127.0.0.1:9',
  exportIntervalMillis: 1_000_000_000,
  handleProcessEnd: false,
});

const rounds = { recordUsage: [] as number[], recordFractions: [] as number[], counterAdd: [] as number[] };
for (let round = -1; round < ROUNDS; round++) {
  const ours = cpuNanosPerCall((i) => meter.record(usage(i, 1)));
  const fractions = cpuNanosPerCall((i) => meter.record(usage(i, (i % 1000) / 1000 + 0.25)));
  const bare = cpuNanosPerCall((i) => counter.add(1, attributes(i)));
  const { resourceMetrics }: CollectionResult = await reader.collect();
  if (resourceMetrics.scopeMetrics[0].metrics[0].dataPoints.length !== CUSTOMERS) throw new Error('series');
  // The first round only warms up.
  if (round < 0) continue;
  rounds.recordUsage.push(ours);
  rounds.recordFractions.push(fractions);
  rounds.counterAdd.push(bare);
}

const figures = {
  customers: CUSTOMERS,
  metadataKeys: 3,
  callsPerRound: CALLS_PER_ROUND,
  rounds: ROUNDS,
  recordUsageCpuNanos: Math.round(median(rounds.recordUsage)),
  recordUsageFractionsCpuNanos: Math.round(median(rounds.recordFractions)),
  counterAddCpuNanos: Math.round(median(rounds.counterAdd)),
  ratio: Number((median(rounds.recordUsage) / median(rounds.counterAdd)).toFixed(2)),
};
console.table({
  'recordUsage, integers': { 'CPU ns per call': figures.recordUsageCpuNanos },
  'recordUsage, fractions': { 'CPU ns per call': figures.recordUsageFractionsCpuNanos },
  'bare counter.add': { 'CPU ns per call': figures.counterAddCpuNanos },
});
console.log(`recordUsage takes ${figures.ratio} × the bare counter.add`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
// Nothing of this is usage: it goes without a flush.
process.exit(0);
