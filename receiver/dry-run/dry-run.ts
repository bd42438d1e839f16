/**
 * What a meter's rule would do, before it holds: requests go through it and through the version in force, each into a
 * ledger of its own that is thrown away. Repetitions, running totals and conflicts come out as in the real one.
 *
 * Differences to reality, all of them by intent: signals are judged by what is known now, not by what was when they
 * came; the rule is taken as enabled; running totals count from the first request that is looked at.
 */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RegistrySnapshot } from '../../storage/ledger.ts';
import type { QuarantineCode } from '../../storage/quarantine-codes.ts';
import { textFromInstant } from '../../storage/query/instant.ts';
import { type BodyEncoding, FRAME_LOGS, FRAME_METRICS, FRAME_TRACES, type OtlpFrame } from '../frames.ts';
import { InflateError, inflate } from '../inflate.ts';
import { type MeterRule, parseMeterRule } from '../metering/rules/index.ts';
import { DecodeError, TooManySignalsError } from '../otlp/metric-columns.ts';
import { KeptRequests } from './kept-requests.ts';
import { MeterRun } from './meter-run.ts';
import {
  compared,
  type DryRunReport,
  discoveredByRule,
  duplicatesOf,
  type QuarantinedReason,
  quarantinedReasons,
  type Unreadable,
} from './report.ts';
import { scratchDirectory } from './scratch-directory.ts';

/** An OTLP request to look at, as it was received or captured. */
export interface DryRunFrame {
  kind: OtlpFrame;
  encoding: BodyEncoding;
  payload: Uint8Array;
  receivedAtUnixNano: bigint;
  /** Where it was found, for people: file and line, or the journal's sequence. */
  origin: string;
}

/** Something that should have been a request. */
export interface UnreadableFrame {
  origin: string;
  problem: string;
}

export interface DryRunOptions {
  rule: MeterRule;
  /** What is known: customers, dimensions, and meters with the one in force among them. */
  registry: RegistrySnapshot;
  frames: AsyncIterable<DryRunFrame | UnreadableFrame>;
  /**
   * When looking begins, Unix nanoseconds: running totals that began before count from their first reading on. 0n
   * (default): from their start, as though the meter had always been there.
   */
  sinceUnixNano?: bigint;
  /** Signals after which no further request is looked at. Default 5,000,000. */
  maxSignals?: number;
  /** The same after this time. Default 10 minutes. */
  timeLimitMs?: number;
  /** Rows per customer in the report. Default 10,000. */
  maxCustomers?: number;
  /** Signals shown per reason of quarantine, and records shown. Default 5 and 10. */
  maxSamples?: number;
  maxRecords?: number;
  /** Where the directory for the ledgers is made. Default: the system's for temporary files. */
  scratchParent?: string;
  /** Ends it; nothing is left behind. */
  signal?: AbortSignal;
  /** Told about once a second. */
  onProgress?: (progress: DryRunProgress) => void;
}

export interface DryRunProgress {
  requests: number;
  signals: number;
}

const KIND_OF_SIGNALS = { metrics: FRAME_METRICS, logs: FRAME_LOGS, spans: FRAME_TRACES } as const;
const LAST_INSTANT = 2n ** 63n - 2n;
/** How long requests are taken in one go, before whoever waits in this thread has a turn. */
const TURN_MS = 20;
const PROGRESS_MS = 1_000;
const MAX_UNREADABLE_SAMPLES = 20;
const MAX_DISCOVERED_CUSTOMERS = 100;

/**
 * @throws what `signal` was aborted with; LedgerError; what `frames` throws
 */
export async function dryRun(options: DryRunOptions): Promise<DryRunReport> {
  const rule = { ...options.rule, enabled: true };
  await using scratch = await scratchDirectory(options.scratchParent);
  const run = new DryRun(options, rule);
  try {
    await run.open(scratch.path);
    await run.read();
    return await run.report();
  } finally {
    await run.close();
  }
}

class DryRun {
  readonly #options: DryRunOptions;
  readonly #rule: MeterRule;
  /** null where no version of the meter holds. */
  readonly #inForce: { version: number; rule: MeterRule } | null;
  /** Meters that lose usage to the rule, or to the one in force. */
  readonly #otherMeterIds: readonly string[];
  readonly #kinds: ReadonlySet<OtlpFrame>;
  readonly #kept = new KeptRequests();
  #candidate: MeterRun | null = null;
  /** null where there is nothing to compare with. */
  #present: MeterRun | null = null;
  #requests = 0;
  #signals = 0;
  #unreadable = 0;
  readonly #unreadableSamples: Unreadable[] = [];
  #receivedFrom: bigint | null = null;
  #receivedUntil: bigint | null = null;
  #stoppedBy: DryRunReport['stoppedBy'] = null;

  constructor(options: DryRunOptions, rule: MeterRule) {
    this.#options = options;
    this.#rule = rule;
    this.#inForce = inForceRule(options.registry, rule.id);
    this.#otherMeterIds = [...new Set([...rule.replaces, ...(this.#inForce?.rule.replaces ?? [])])];
    this.#kinds = new Set(
      [...rule.signals, ...(this.#inForce?.rule.signals ?? [])].map((signals) => KIND_OF_SIGNALS[signals]),
    );
  }

  async open(directory: string): Promise<void> {
    const { registry, sinceUnixNano = 0n } = this.#options;
    const otherMeterIds = this.#otherMeterIds;
    const shared = { meterId: this.#rule.id, otherMeterIds, sinceUnixNano };
    this.#candidate = await MeterRun.open({
      ...shared,
      ledgerPath: join(directory, 'rule.duckdb'),
      registry: withRule(registry, this.#rule),
    });
    if (this.#inForce === null && otherMeterIds.length === 0) return;
    this.#present = await MeterRun.open({
      ...shared,
      ledgerPath: join(directory, 'in-force.duckdb'),
      registry,
    });
  }

  async read(): Promise<void> {
    const { frames, signal, onProgress, maxSignals = 5_000_000, timeLimitMs = 600_000 } = this.#options;
    const deadline = Date.now() + timeLimitMs;
    let turn = Date.now();
    let told = turn;
    for await (const frame of frames) {
      signal?.throwIfAborted();
      if ('problem' in frame) {
        this.#noteUnreadable(frame.origin, frame.problem);
        continue;
      }
      if (!this.#kinds.has(frame.kind)) continue;
      if (this.#signals >= maxSignals) this.#stoppedBy = 'max_signals';
      else if (Date.now() > deadline) this.#stoppedBy = 'time_limit';
      if (this.#stoppedBy !== null) break;
      this.#take(frame);
      await this.#ruleRun.room();
      await this.#present?.room();
      const now = Date.now();
      if (now - turn < TURN_MS) continue;
      await nextTurn();
      turn = Date.now();
      if (onProgress === undefined || now - told < PROGRESS_MS) continue;
      told = now;
      onProgress({ requests: this.#requests, signals: this.#signals });
    }
    signal?.throwIfAborted();
    await this.#ruleRun.finish();
    await this.#present?.finish();
  }

  async report(): Promise<DryRunReport> {
    const { registry, maxCustomers = 10_000, maxRecords = 10, signal } = this.#options;
    const meterId = this.#rule.id;
    const meterIds = [meterId, ...this.#otherMeterIds];
    const totals = async ({ ledger }: MeterRun) =>
      await ledger.query({ type: 'meterTotals', query: { meterIds, customerRows: maxCustomers } });
    const rule = await totals(this.#ruleRun);
    const inForce = this.#present === null ? null : await totals(this.#present);
    signal?.throwIfAborted();
    const aggregations = new Map(registry.dimensions.map(({ id, aggregation }) => [id, aggregation]));
    const { matched, discovered } = this.#ruleRun.rows;
    const quarantined: QuarantinedReason[] = [];
    for (const reason of quarantinedReasons(meterId, rule.quarantine, inForce?.quarantine ?? []))
      quarantined.push({ ...reason, samples: await this.#samples(reason.reason) });
    const { rows: records } = await this.#ruleRun.ledger.query({
      type: 'records',
      query: {
        customerIds: null,
        dimensionIds: null,
        metadata: [],
        meterIds: [meterId],
        from: 0n,
        to: LAST_INSTANT,
        order: 'asc',
        limit: maxRecords,
        after: null,
        asOf: null,
        completeUntil: null,
      },
    });
    return {
      meterId,
      inForceVersion: this.#inForce?.version ?? null,
      requests: this.#requests,
      signals: this.#signals,
      matched,
      matchedInForce: this.#present?.rows.matched ?? 0,
      ignored: this.#signals - matched,
      duplicates: duplicatesOf(meterId, matched, rule),
      stoppedBy: this.#stoppedBy,
      receivedFrom: this.#receivedFrom === null ? null : textFromInstant(this.#receivedFrom),
      receivedUntil: this.#receivedUntil === null ? null : textFromInstant(this.#receivedUntil),
      ...compared({ meterId, rule, inForce, aggregationOf: (id) => aggregations.get(id) ?? 'sum' }),
      quarantined,
      discovered: discoveredByRule(
        discovered,
        this.#present?.rows.discovered ?? null,
        MAX_DISCOVERED_CUSTOMERS,
      ),
      records,
      unreadable: { requests: this.#unreadable, samples: this.#unreadableSamples },
    };
  }

  async close(): Promise<void> {
    // What could not be loaded is thrown away all the same.
    await this.#candidate?.close().catch(() => {});
    await this.#present?.close().catch(() => {});
  }

  get #ruleRun(): MeterRun {
    if (this.#candidate === null) throw new Error('a dry run is opened before it is used');
    return this.#candidate;
  }

  #take(frame: DryRunFrame): void {
    const { kind, encoding, payload, receivedAtUnixNano, origin } = frame;
    const sequence = this.#requests + 1;
    try {
      const body = inflate(payload, encoding.compression);
      const taken = this.#ruleRun.take(kind, body, encoding, sequence, receivedAtUnixNano);
      this.#present?.take(kind, body, encoding, sequence, receivedAtUnixNano);
      this.#requests = sequence;
      this.#signals += taken.signals;
      if (taken.isClaimed) this.#kept.add(sequence, frame, taken.isExample);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#noteUnreadable(origin, error.message);
      return;
    }
    if (this.#receivedFrom === null || receivedAtUnixNano < this.#receivedFrom)
      this.#receivedFrom = receivedAtUnixNano;
    if (this.#receivedUntil === null || receivedAtUnixNano > this.#receivedUntil)
      this.#receivedUntil = receivedAtUnixNano;
  }

  #noteUnreadable(origin: string, message: string): void {
    this.#unreadable += 1;
    if (this.#unreadableSamples.length < MAX_UNREADABLE_SAMPLES)
      this.#unreadableSamples.push({ origin, message });
  }

  async #samples(reason: QuarantineCode): Promise<QuarantinedReason['samples']> {
    const { rows } = await this.#ruleRun.ledger.query({
      type: 'quarantineSignals',
      query: {
        customerIds: null,
        dimensionIds: null,
        meterIds: [this.#rule.id],
        reasons: [reason],
        metadata: [],
        from: null,
        to: null,
        timeFrom: null,
        timeTo: null,
        resolution: 'open',
        signals: null,
        limit: this.#options.maxSamples ?? 5,
        after: null,
      },
    });
    return rows.map((row) => ({
      origin: this.#kept.originOf(row.sequence),
      customerId: row.customerId,
      dimensionId: row.dimensionId,
      value: row.value,
      unit: row.unit,
      timestamp: row.timestamp,
      startTime: row.startTime,
      metadata: row.metadata,
      metricName: row.metricName,
      kind: row.kind,
      signal: this.#kept.signal(row.sequence, row.ordinal),
    }));
  }
}

/** The version of a meter that holds now; null where there is none. */
function inForceRule({ meters }: RegistrySnapshot, id: string): { version: number; rule: MeterRule } | null {
  const entry = meters.find((meter) => meter.id === id);
  if (entry === undefined || entry.deleted) return null;
  const rule = parseMeterRule(JSON.parse(entry.rule));
  return rule.enabled ? { version: entry.version, rule } : null;
}

/** What would be known if the rule were put. */
function withRule(registry: RegistrySnapshot, rule: MeterRule): RegistrySnapshot {
  const { id } = rule;
  const version = (registry.meters.find((meter) => meter.id === id)?.version ?? 0) + 1;
  const meters = registry.meters.filter((meter) => meter.id !== id);
  meters.push({ id, version, rule: JSON.stringify(rule), sinceUnixNano: 0n, deleted: false });
  return { ...registry, meters };
}

function isUnreadable(error: unknown): error is Error {
  return (
    error instanceof DecodeError || error instanceof TooManySignalsError || error instanceof InflateError
  );
}
