/**
 * kill -9 in a loop while three clients send and retry. Every request is retried until it is acknowledged, so what
 * the receiver must have counted is known exactly; then the ledger is made anew from the journal, and both agree.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { decimalText, scaledOfText, scaledQuantity } from '../model/usage-model.ts';
import { compareLedgers } from './ledger-comparison.ts';
import {
  CUMULATIVE,
  DELTA,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpStream,
  stream,
} from './otlp-points.ts';
import { ProtobufWriter, requestOf } from './otlp-writer.ts';
import { Random } from './random.ts';
import { readQuarantine, readTotals } from './receiver-api.ts';
import {
  becomeReady,
  freePort,
  ledgerPath,
  type ReceiverProcess,
  runCommand,
  startReceiver,
} from './receiver-process.ts';
import { RetryingClient } from './retrying-client.ts';

export interface TortureOptions {
  kills: number;
  /** Goes on until at least so many points were acknowledged, also when all kills are done. */
  points: number;
  seed: number;
  /** What to do with a line of progress. */
  log?: (line: string) => void;
}

export interface TortureOutcome {
  kills: number;
  gracefulStops: number;
  /** Distinct points that were acknowledged; each was acknowledged at least once. */
  acknowledgedPoints: number;
  acknowledgedRequests: number;
  /** Attempts that broke without an answer, and that were refused with 503. */
  broken: number;
  refused: number;
  /** Bodies that were sent again though they had been acknowledged, or twice at the same time. */
  repeats: number;
  /** Sums over the customers and dimensions that differ, as decimals; "0" when all is well. */
  lost: string;
  countedTwice: string;
  quarantined: number;
  usageRecords: number;
  /** Rows that only one of the two ledgers has. */
  rebuildDifferences: number;
  seconds: number;
}

/** A day whose hours the points' times run through. */
const RANGE = { from: '2025-11-01T00:00:00Z', to: '2025-12-01T00:00:00Z' };
const FIRST_TIME = 1_761_955_200_000_000_000n;
const MILLISECOND = 1_000_000n;

/** @throws Error naming the seed, with what differs; the data directory is then left where it is */
export async function runTorture(options: TortureOptions): Promise<TortureOutcome> {
  const { kills, seed, log = () => {} } = options;
  const random = new Random(seed);
  const startedAt = performance.now();
  const dataDir = await mkdtemp(join(tmpdir(), 'usage-meter-torture-'));
  const port = await freePort();
  let receiver = await startReceiver({ dataDir, port });
  const clients = [deltaIntegers, deltaDoubles, cumulativeIntegers].map(
    (source, index) => new TortureClient(source(index), new Random(seed * 31 + index), receiver.url),
  );
  const outcome: TortureOutcome = {
    kills: 0,
    gracefulStops: 0,
    acknowledgedPoints: 0,
    acknowledgedRequests: 0,
    broken: 0,
    refused: 0,
    repeats: 0,
    lost: '0',
    countedTwice: '0',
    quarantined: 0,
    usageRecords: 0,
    rebuildDifferences: 0,
    seconds: 0,
  };
  const acknowledged = () => clients.reduce((sum, client) => sum + client.acknowledgedPoints, 0);
  try {
    let isEnough = false;
    const sending = Promise.all(clients.map((client) => client.run(() => isEnough)));
    // Awaited below; a client that gives up ends the kills too.
    let failure: unknown;
    sending.catch((error) => {
      failure = error;
    });
    while (outcome.kills < kills && failure === undefined) {
      await sleep(random.integer(50, 1500));
      if (random.chance(0.1)) {
        await receiver.stop();
        outcome.gracefulStops++;
      } else {
        await receiver.kill();
        outcome.kills++;
      }
      // Some are killed again while they recover.
      receiver = await startReceiver({ dataDir, port, until: random.chance(0.3) ? 'listening' : 'ready' });
      if (outcome.kills % 10 === 0) log(`${outcome.kills} kills, ${acknowledged()} points acknowledged`);
    }
    await becomeReady(receiver);
    while (acknowledged() < options.points && failure === undefined) await sleep(20);
    isEnough = true;
    await sending;

    for (const client of clients) {
      outcome.acknowledgedPoints += client.acknowledgedPoints;
      outcome.acknowledgedRequests += client.http.acknowledged;
      outcome.broken += client.http.broken;
      outcome.refused += client.http.refused;
      outcome.repeats += client.repeats;
    }
    log(`${outcome.kills} kills, ${outcome.acknowledgedPoints} points acknowledged; comparing`);
    const differing = await compareTotals(clients, receiver, outcome);
    await receiver.stop();
    log('making the ledger anew from the journal');
    const differences = await compareWithRebuilt(dataDir, outcome);
    if (differing.length + differences.length > 0) {
      throw new Error([...differing, ...differences].slice(0, 40).join('\n'));
    }
  } catch (error) {
    await receiver.kill();
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`torture with seed ${seed} in ${dataDir}: ${what}\n${receiver.output()}`, {
      cause: error,
    });
  } finally {
    for (const client of clients) client.http.close();
  }
  await rm(dataDir, { recursive: true, force: true });
  outcome.seconds = Math.round((performance.now() - startedAt) / 1000);
  return outcome;
}

/** @returns a line per customer and dimension whose total is not what was acknowledged */
async function compareTotals(
  clients: TortureClient[],
  receiver: ReceiverProcess,
  outcome: TortureOutcome,
): Promise<string[]> {
  const expected = new Map<string, bigint>();
  for (const client of clients) {
    for (const [key, sum] of client.source.totals()) expected.set(key, (expected.get(key) ?? 0n) + sum);
  }
  const actual = await readTotals(receiver.url, RANGE.from, RANGE.to);
  outcome.quarantined = (await readQuarantine(receiver.url)).reduce((sum, row) => sum + row.signals, 0);
  const differing: string[] = [];
  if (outcome.quarantined > 0) differing.push(`${outcome.quarantined} signals in quarantine`);
  let lost = 0n;
  let countedTwice = 0n;
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const due = expected.get(key) ?? 0n;
    const counted = scaledOfText(actual.get(key) ?? '0');
    if (due === counted) continue;
    if (counted < due) lost += due - counted;
    else countedTwice += counted - due;
    differing.push(`${key}: acknowledged ${decimalText(due)}, counted ${decimalText(counted)}`);
  }
  outcome.lost = decimalText(lost);
  outcome.countedTwice = decimalText(countedTwice);
  return differing;
}

async function compareWithRebuilt(dataDir: string, outcome: TortureOutcome): Promise<string[]> {
  const rebuiltDir = `${dataDir}-rebuilt`;
  await cp(dataDir, rebuiltDir, {
    recursive: true,
    filter: (source) => !basename(source).startsWith(basename(ledgerPath(dataDir))),
  });
  await runCommand(['rebuild', '--data-dir', rebuiltDir]);
  const differences = await compareLedgers(ledgerPath(dataDir), ledgerPath(rebuiltDir));
  await rm(rebuiltDir, { recursive: true, force: true });
  outcome.usageRecords = differences.find(({ view }) => view === 'usage_records')?.rows ?? 0;
  return differences.flatMap(({ view, onlyInFirst, onlyInSecond, examples }) => {
    outcome.rebuildDifferences += onlyInFirst + onlyInSecond;
    if (onlyInFirst + onlyInSecond === 0) return [];
    return [`${view}: ${onlyInFirst} rows only before, ${onlyInSecond} only after the rebuild`, ...examples];
  });
}

/** Sends a source's points in bodies of changing size, one after the other, now and then one twice. */
class TortureClient {
  readonly source: PointSource;
  readonly http: RetryingClient;
  acknowledgedPoints = 0;
  repeats = 0;
  readonly #random: Random;
  readonly #writer = new ProtobufWriter();
  /** Points of the latest acknowledged bodies, to be sent again in other groups. */
  #recent: OtlpPoint[][] = [];

  constructor(source: PointSource, random: Random, url: string) {
    this.source = source;
    this.#random = random;
    this.http = new RetryingClient({ url: () => url });
  }

  async run(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      const points = this.source.next(this.#random.pick([1, 50, 500, 1500]), this.#random);
      const sends = [this.#send(points)];
      if (this.#random.chance(0.1)) {
        sends.push(this.#send(points));
        this.repeats++;
      }
      if (this.#recent.length > 0 && this.#random.chance(0.2)) {
        sends.push(this.#send(this.#random.shuffled(this.#random.pick(this.#recent))));
        this.repeats++;
      }
      await Promise.all(sends);
      this.acknowledgedPoints += points.length;
      this.#recent.push(points);
      if (this.#recent.length > 30) this.#recent.splice(this.#random.integer(0, 29), 1);
      // Steady rather than fast: the machine has other work, and the kills shall meet requests of every phase.
      await sleep(this.#random.integer(0, 15));
    }
  }

  async #send(points: OtlpPoint[]): Promise<void> {
    const body = this.#writer.encode(requestOf(points));
    if (this.#random.chance(0.3)) await this.http.send(body);
    else await this.http.send(gzipSync(body, { level: 1 }), { 'content-encoding': 'gzip' });
  }
}

/** Makes points, each of which is new, and knows what all of them come to. */
interface PointSource {
  next(count: number, random: Random): OtlpPoint[];
  /** `customer / dimension` → quantity × 10^12 of everything made so far */
  totals(): Map<string, bigint>;
}

const CUSTOMERS = 100;

/** A customer's attributes are one object, so that the writer encodes them once. */
function customerAttributes(dimensionId: string): OtlpAttributes[] {
  return Array.from({ length: CUSTOMERS }, (_, index) => [
    ['usage.customer.id', `customer-${index}`],
    ['usage.dimension.id', dimensionId],
    ['region', index % 2 === 0 ? 'eu' : 'us'],
  ]);
}

function clientStream(index: number, changes: Partial<OtlpStream>): OtlpStream {
  return stream({
    resource: [
      ['service.name', 'torture'],
      ['service.instance.id', `client-${index}`],
      ['telemetry.sdk.name', 'opentelemetry'],
    ],
    name: `torture.${index}`,
    ...changes,
  });
}

function deltaSource(
  index: number,
  dimensionId: string,
  value: (random: Random) => bigint | number,
): PointSource {
  const own = clientStream(index, { temporality: DELTA });
  const attributes = customerAttributes(dimensionId);
  const sums = new Map<string, bigint>();
  let timeUnixNano = FIRST_TIME;
  return {
    next: (count, random) =>
      Array.from({ length: count }, () => {
        const customer = random.integer(0, CUSTOMERS - 1);
        const startUnixNano = timeUnixNano;
        timeUnixNano += MILLISECOND;
        const point = { stream: own, attributes: attributes[customer], startUnixNano, timeUnixNano };
        const quantity = value(random);
        const key = `customer-${customer} / ${dimensionId}`;
        sums.set(key, (sums.get(key) ?? 0n) + scaledQuantity(quantity)!);
        return { ...point, value: quantity, flags: 0 };
      }),
    totals: () => sums,
  };
}

const deltaIntegers = (index: number) =>
  deltaSource(index, 'requests', (random) => BigInt(random.integer(1, 1_000_000)));

const deltaDoubles = (index: number) =>
  deltaSource(index, 'seconds', (random) => random.integer(1, 1_000_000) / 1000 + 0.1);

/** Running totals; each of them starts anew now and then, as a restarted app does. */
function cumulativeIntegers(index: number): PointSource {
  const dimensionId = 'tokens';
  const own = clientStream(index, { temporality: CUMULATIVE });
  const attributes = customerAttributes(dimensionId);
  const series = attributes.map(() => ({ startUnixNano: FIRST_TIME, total: 0n, earlierStarts: 0n }));
  let timeUnixNano = FIRST_TIME;
  return {
    next: (count, random) =>
      Array.from({ length: count }, () => {
        const customer = random.integer(0, CUSTOMERS - 1);
        const state = series[customer];
        timeUnixNano += MILLISECOND;
        if (random.chance(0.01)) {
          state.earlierStarts += state.total;
          state.total = 0n;
          state.startUnixNano = timeUnixNano - 1n;
        }
        state.total += BigInt(random.integer(0, 1000));
        return {
          stream: own,
          attributes: attributes[customer],
          startUnixNano: state.startUnixNano,
          timeUnixNano,
          value: state.total,
          flags: 0,
        };
      }),
    totals: () =>
      new Map(
        series.map((state, customer) => [
          `customer-${customer} / ${dimensionId}`,
          (state.earlierStarts + state.total) * 10n ** 12n,
        ]),
      ),
  };
}
