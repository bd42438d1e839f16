/** `npm run fuzz -- [--seed N] [--count N]`: the protobuf decoders against a schema-compiled library. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { compareDecoders } from '../test/receiver/otlp/differential.ts';

const { values } = parseArgs({ options: { seed: { type: 'string' }, count: { type: 'string' } } });
const seed = Number(values.seed ?? randomInt(2 ** 31));
/** Bodies of each signal. */
const count = Number(values.count ?? 70_000);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(count)) {
  throw new Error(`--seed and --count must be integers (got ${values.seed} and ${values.count})`);
}

for (const signal of ['metrics', 'logs', 'traces'] as const) {
  console.log(`${signal}: seed ${seed}, ${count} bodies`);
  const outcome = compareDecoders(signal, seed, count);
  for (const { index, body, own, reference } of outcome.disagreements) {
    console.log(`body ${index}: ${body}\n  own:       ${own}\n  reference: ${reference}`);
  }
  console.log(
    `accepted ${outcome.accepted} (${outcome.signals} signals), refused ${outcome.refused}, ` +
      `disagreements ${outcome.disagreements.length}`,
  );
  if (outcome.disagreements.length > 0) process.exitCode = 1;
}
