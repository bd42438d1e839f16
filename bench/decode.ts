/**
 * `node bench/decode.ts [--json FILE]`: CPU per point of decoding, our decoder beside the library that judges it.
 *
 * Bodies of 5,000 delta points for 2,000 customers, three string attributes each, times that move, 1 % of the blocks
 * new in each body; the interner is warm, as it is in a running receiver.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ByteInterner } from '../receiver/otlp/attribute-interner.ts';
import { MetricColumns } from '../receiver/otlp/metric-columns.ts';
import { decodeMetricsJson } from '../receiver/otlp/metrics-json.ts';
import { decodeMetricsProtobuf } from '../receiver/otlp/metrics-protobuf.ts';
import { type Message, MetricsRequest } from '../test/receiver/otlp/otlp-proto.ts';

const POINTS = 5000;
const CUSTOMERS = 2000;
const NEW_SHARE = 0.01;
const BODIES = 24;
const RUNS = 7;

const { values } = parseArgs({ options: { json: { type: 'string' } } });

const messages = Array.from({ length: BODIES }, (_, body) => requestMessage(body));
const protobufBodies = messages.map((message) =>
  MetricsRequest.encode(MetricsRequest.fromObject(message)).finish(),
);
const jsonBodies = messages.map((message) => new TextEncoder().encode(JSON.stringify(message)));

const interner = new ByteInterner();
const columns = new MetricColumns();
const decode = (read: typeof decodeMetricsProtobuf) => (body: Uint8Array) => {
  columns.clear();
  read(body, interner, columns);
  if (columns.length !== POINTS) throw new Error(`decoded ${columns.length} points of ${POINTS}`);
};
const contestants: [string, Uint8Array[], (body: Uint8Array) => void][] = [
  ['protobuf, ours', protobufBodies, decode(decodeMetricsProtobuf)],
  ['protobuf, protobufjs', protobufBodies, (body) => void MetricsRequest.decode(body)],
  ['JSON, ours', jsonBodies, decode(decodeMetricsJson)],
  ['JSON, JSON.parse alone', jsonBodies, (body) => void JSON.parse(new TextDecoder().decode(body))],
];

const samples = new Map<string, number[]>(contestants.map(([name]) => [name, []]));
for (let run = -1; run < RUNS; run++) {
  for (const [name, bodies, read] of contestants) {
    const before = process.cpuUsage();
    for (const body of bodies) read(body);
    const { user, system } = process.cpuUsage(before);
    // The first run warms up the compiler and the interner.
    if (run >= 0) samples.get(name)?.push(((user + system) * 1000) / (BODIES * POINTS));
  }
}

const figures: Record<string, number> = {};
console.log(`ns CPU per point, median of ${RUNS} runs over ${BODIES} bodies of ${POINTS} points`);
for (const [name, times] of samples) {
  times.sort((a, b) => a - b);
  figures[name] = Math.round(times[times.length >> 1]);
  console.log(
    `  ${name.padEnd(24)}${String(figures[name]).padStart(6)}   (${times.map(Math.round).join(' ')})`,
  );
}
console.log(
  `bytes per point: protobuf ${Math.round(protobufBodies[0].length / POINTS)}, ` +
    `JSON ${Math.round(jsonBodies[0].length / POINTS)}; ${interner.size - 1} distinct blocks`,
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);

function requestMessage(body: number): Message {
  const time = 1_700_000_000_000_000_000n + BigInt(body) * 10_000_000_000n;
  const dataPoints = Array.from({ length: POINTS }, (_, i) => {
    // The same share of points carries a block that no earlier body had.
    const fresh = i < POINTS * NEW_SHARE ? `-${body}` : '';
    const customer = `customer-${String((i * 7) % CUSTOMERS).padStart(6, '0')}`;
    return {
      startTimeUnixNano: String(time - 10_000_000_000n + BigInt(i)),
      timeUnixNano: String(time + BigInt(i)),
      asInt: String(1 + ((i * 31) % 997)),
      attributes: [
        { key: 'usage.customer.id', value: { stringValue: customer } },
        { key: 'usage.dimension.id', value: { stringValue: i % 3 === 0 ? 'api.requests' : 'tokens' } },
        { key: 'region', value: { stringValue: `eu-${i % 4}${fresh}` } },
      ],
    };
  });
  return {
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] },
        scopeMetrics: [
          {
            scope: { name: 'usage' },
            metrics: [
              {
                name: 'usage.api.requests',
                unit: '{request}',
                sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints },
              },
            ],
          },
        ],
      },
    ],
  };
}
