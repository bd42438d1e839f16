/**
 * `npm run bench`: the running receiver under load over HTTP, from this process, beside the naive way.
 *
 * Data points that the built-in meter counts, and log records of which one meter of five matches each.
 *
 *   --sizes 5,250,5000   data points per body; none: ""
 *   --logs 250           log records per body; none: ""
 *   --rate 100000        points or records per second of the steady phase
 *   --peak 10            seconds at full speed; --steady 60: seconds at the constant rate
 *   --quick              3 s and 5 s
 *   --no-naive           without the comparison
 *   --profile            full speed only, and the receiver's functions by their own time
 *   --json FILE          the same figures as JSON
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type LoadFigures, measureLoad, type SignalKind } from './support/load.ts';
import { printLoad, printProfiles } from './support/report.ts';

/** Requests of the naive way: enough to measure, few enough to wait for. */
const NAIVE_REQUESTS = (pointsPerBody: number) =>
  pointsPerBody >= 1000 ? 40 : pointsPerBody >= 100 ? 200 : 1000;

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '5,250,5000' },
    logs: { type: 'string', default: '250' },
    rate: { type: 'string', default: '100000' },
    peak: { type: 'string' },
    steady: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'no-naive': { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
if (process.platform !== 'linux') {
  console.error('The benchmark reads CPU time and memory of the receiver from /proc, which only Linux has.');
  process.exit(1);
}
const peakSeconds = Number(options.peak ?? (options.quick ? 3 : 10));
const steadySeconds = options.profile ? 0 : Number(options.steady ?? (options.quick ? 5 : 60));

const sizes = await measureSizes('metrics', wholeNumbers('sizes'));
const logs = await measureSizes('logs', wholeNumbers('logs'));
if (options.json !== undefined) {
  const [cpu] = cpus();
  const machine = { cpus: cpus().length, model: cpu?.model ?? '', node: process.version };
  const figures = { machine, peakSeconds, steadySeconds, sizes, logs };
  writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
}

async function measureSizes(signal: SignalKind, pointsPerBody: number[]): Promise<LoadFigures[]> {
  const measured: LoadFigures[] = [];
  for (const size of pointsPerBody) {
    const { figures, profiles } = await measureLoad(signal, size, {
      peakSeconds,
      steadySeconds,
      rate: Number(options.rate),
      profile: options.profile,
      naiveRequests:
        options['no-naive'] || options.profile
          ? 0
          : Math.ceil(NAIVE_REQUESTS(size) / (options.quick ? 4 : 1)),
    });
    measured.push(figures);
    printLoad(figures);
    printProfiles(profiles);
  }
  return measured;
}

function wholeNumbers(name: 'sizes' | 'logs'): number[] {
  const text = options[name];
  const numbers = text === '' ? [] : text.split(',').map(Number);
  for (const number of numbers) {
    if (!(number >= 1 && Number.isInteger(number)))
      throw new Error(`--${name} must be whole numbers (got ${text})`);
  }
  return numbers;
}
