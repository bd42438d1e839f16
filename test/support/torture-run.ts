/**
 * kill -9 in a loop while three clients send data points, log records, spans and records by hand, and retry. Every
 * request is retried until it is acknowledged, so what the receiver must have counted is known exactly; then the ledger
 * is made anew from the journal, and both agree.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { decimalText, scaledOfText } from '../model/usage-model.ts';
import { compareLedgers } from './ledger-comparison.ts';
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
import {
  TORTURE_RANGE,
  type TortureKind,
  type TortureSource,
  tortureEvents,
  torturePoints,
  tortureRecords,
} from './torture-sources.ts';

export interface TortureOptions {
  kills: number;
  /** Goes on until at least so many data points were acknowledged, also when all kills are done. */
  points: number;
  seed: number;
  /** What to do with a line of progress. */
  log?: (line: string) => void;
}

export interface TortureOutcome {
  kills: number;
  gracefulStops: number;
  /** Distinct data points, log records, spans and records by hand that were acknowledged at least once. */
  acknowledged: Record<TortureKind, number>;
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

const CLIENTS = 3;

/** @throws Error naming the seed, with what differs; the data directory is then left where it is */
export async function runTorture(options: TortureOptions): Promise<TortureOutcome> {
  const { kills, seed, log = () => {} } = options;
  const random = new Random(seed);
  const startedAt = performance.now();
  const dataDir = await mkdtemp(join(tmpdir(), 'usage-meter-torture-'));
  const port = await freePort();
  let receiver = await startReceiver({ dataDir, port });
  const clients = Array.from(
    { length: CLIENTS },
    (_, index) => new TortureClient(index, new Random(seed * 31 + index), receiver.url),
  );
  const senders = clients.flatMap((client) => client.senders);
  const outcome: TortureOutcome = {
    kills: 0,
    gracefulStops: 0,
    acknowledged: { points: 0, logs: 0, spans: 0, records: 0 },
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
  const acknowledged = (kind: TortureKind) =>
    senders.reduce((sum, sender) => sum + (sender.kind === kind ? sender.acknowledged : 0), 0);
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
      if (outcome.kills % 10 === 0)
        log(`${outcome.kills} kills, ${acknowledged('points')} points acknowledged`);
    }
    await becomeReady(receiver);
    while (acknowledged('points') < options.points && failure === undefined) await sleep(20);
    isEnough = true;
    await sending;

    for (const { kind, acknowledged, http, repeats } of senders) {
      outcome.acknowledged[kind] += acknowledged;
      outcome.acknowledgedRequests += http.acknowledged;
      outcome.broken += http.broken;
      outcome.refused += http.refused;
      outcome.repeats += repeats;
    }
    log(`${outcome.kills} kills, ${JSON.stringify(outcome.acknowledged)} acknowledged; comparing`);
    const differing = await compareTotals(senders, receiver, outcome);
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
    for (const { http } of senders) http.close();
  }
  await rm(dataDir, { recursive: true, force: true });
  outcome.seconds = Math.round((performance.now() - startedAt) / 1000);
  return outcome;
}

/** @returns a line per customer and dimension whose total is not what was acknowledged */
async function compareTotals(
  senders: readonly TortureSender[],
  receiver: ReceiverProcess,
  outcome: TortureOutcome,
): Promise<string[]> {
  const expected = new Map<string, bigint>();
  for (const sender of senders) {
    for (const [key, sum] of sender.totals()) expected.set(key, (expected.get(key) ?? 0n) + sum);
  }
  const actual = await readTotals(receiver.url, TORTURE_RANGE.from, TORTURE_RANGE.to);
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

/** Sends what its sources make, in bodies of changing size, one after the other, now and then one twice. */
class TortureClient {
  readonly senders: readonly TortureSender[];
  readonly #random: Random;

  constructor(client: number, random: Random, url: string) {
    this.#random = random;
    this.senders = [
      new SourceSender(tortureRecords(client), random, url),
      new SourceSender(tortureEvents(client, 'logs'), random, url),
      new SourceSender(tortureEvents(client, 'spans'), random, url),
      new SourceSender(torturePoints(client), random, url),
    ];
  }

  async run(isEnough: () => boolean): Promise<void> {
    await Promise.all(this.senders.map((sender) => this.#keepSending(sender, isEnough)));
  }

  async #keepSending(sender: TortureSender, isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      await sender.send();
      // Steady rather than fast: the machine has other work, and the kills shall meet requests of every phase.
      await sleep(this.#random.integer(0, sender.kind === 'points' ? 15 : 100));
    }
  }
}

interface TortureSender {
  readonly kind: TortureKind;
  readonly http: RetryingClient;
  /** Distinct items of acknowledged bodies. */
  readonly acknowledged: number;
  readonly repeats: number;
  /** Sends new items, and some of the old ones again, until all are acknowledged. */
  send(): Promise<void>;
  totals(): Map<string, bigint>;
}

class SourceSender<Item> implements TortureSender {
  readonly http: RetryingClient;
  acknowledged = 0;
  repeats = 0;
  readonly #source: TortureSource<Item>;
  readonly #random: Random;
  /** Items of the latest acknowledged bodies, to be sent again in other groups. */
  #recent: Item[][] = [];

  constructor(source: TortureSource<Item>, random: Random, url: string) {
    this.#source = source;
    this.#random = random;
    const { path, contentType } = source;
    this.http = new RetryingClient({
      url: () => url,
      path,
      headers: { 'content-type': contentType },
      // Where the machine is slow, hardly a request gets through between two kills.
      timeoutMs: 1_200_000,
    });
  }

  get kind(): TortureKind {
    return this.#source.kind;
  }

  totals(): Map<string, bigint> {
    return this.#source.totals();
  }

  async send(): Promise<void> {
    const random = this.#random;
    const items = this.#source.next(random.pick(this.#source.sizes), random);
    const sends = [this.#post(items)];
    if (random.chance(0.1)) sends.push(this.#repeat(items));
    if (this.#recent.length > 0 && random.chance(0.2)) {
      // Parts of two bodies in one: receivers behind a Collector see such.
      const mixed = random.shuffled([...random.pick(this.#recent), ...random.pick(this.#recent)]);
      sends.push(this.#repeat(mixed.slice(0, random.integer(1, mixed.length))));
    }
    await Promise.all(sends);
    this.acknowledged += items.length;
    this.#recent.push(items);
    if (this.#recent.length > 30) this.#recent.splice(random.integer(0, 29), 1);
  }

  #repeat(items: readonly Item[]): Promise<void> {
    this.repeats++;
    return this.#post(items);
  }

  async #post(items: readonly Item[]): Promise<void> {
    const { accepted } = this.#source;
    const body = this.#source.encode(items);
    if (this.#random.chance(0.3)) await this.http.send(body, {}, accepted);
    else await this.http.send(gzipSync(body, { level: 1 }), { 'content-encoding': 'gzip' }, accepted);
  }
}
