/** A usage meter: records, sums, sends, and says what became of it. */
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { type UsageMeterConfig, type UsageMeterOptions, usageMeterConfig } from './config.ts';
import { Delivery } from './delivery.ts';
import { DropLog } from './drop-log.ts';
import { answerTrouble, connectionTrouble } from './endpoint-trouble.ts';
import { sendBlocking } from './exit-sender.ts';
import { log } from './log.ts';
import { type EndingMeter, unwatchProcessEnd, watchProcessEnd } from './process-end.ts';
import { UsageAggregation } from './usage-aggregation.ts';
import { createRefusingExporter, createUsageExporter, type UsageExporter } from './usage-exporter.ts';
import type { DropReason, Usage } from './usage-record.ts';
import { processClock } from './window-clock.ts';

/** What became of the usage recorded before a call of `flush` or `shutdown`. */
export interface FlushResult {
  /**
   * True only if the receiver has accepted all of it, and since the flush before nothing was refused for good and no
   * record was dropped.
   */
  accepted: boolean;
  /** Data points accepted since the flush before. */
  acceptedPoints: number;
  /** Data points not accepted yet. They are kept and sent again, except after `shutdown`. */
  pendingPoints: number;
  /** Data points refused for good by the receiver since the flush before. */
  lostPoints: number;
  /** Records that never became data points since the flush before, by reason. */
  droppedRecords: Partial<Record<DropReason, number>>;
  /** What the receiver said about usage that it accepted: quarantined usage and why. The latest 20 different ones. */
  messages: string[];
  /** Why not accepted; null otherwise. */
  error: Error | null;
}

export interface UsageMeter {
  /**
   * Records usage. Never throws and never waits: what is wrong with it is warned about, through `diag` or on stderr, and
   * counted.
   */
  record(usage: Usage): void;
  /** Sends everything recorded so far. Tries again until the flush timeout; never rejects. */
  flush(): Promise<FlushResult>;
  /** Sends everything recorded so far, within the shutdown timeout, and ends the meter; never rejects. */
  shutdown(): Promise<FlushResult>;
}

/**
 * A meter of its own: its own exporter, its own memory, nothing of it global.
 * @throws TypeError where an option is wrong
 */
export function createUsageMeter(options: UsageMeterOptions = {}): UsageMeter {
  const config = usageMeterConfig(options, process.env);
  return config.disabled ? new DisabledMeter() : new Meter(config);
}

/** Counted since when, in {@link FlushResult}. */
interface Totals {
  acceptedPoints: number;
  refusedPoints: number;
  dropped: Map<DropReason, number>;
}

/** Length of the texts of one request, in UTF-16 units: its JSON is then about three times that. */
const LENGTH_PER_REQUEST = 4 * 1024 * 1024;

class Meter implements UsageMeter, EndingMeter {
  readonly #config: UsageMeterConfig;
  readonly #aggregation: UsageAggregation;
  readonly #exporter: UsageExporter;
  readonly #delivery: Delivery;
  readonly #drops = new DropLog(Date.now);
  readonly #interval: NodeJS.Timeout;
  readonly #mayOpen: () => boolean;
  #reported: Totals = { acceptedPoints: 0, refusedPoints: 0, dropped: new Map() };
  #recordedCount = 0;
  #ended: Promise<FlushResult> | null = null;

  constructor(config: UsageMeterConfig) {
    this.#config = config;
    const limits = { pointsPerBatch: config.pointsPerRequest, lengthPerBatch: LENGTH_PER_REQUEST };
    this.#aggregation = new UsageAggregation(processClock, limits, config.dimensions);
    if (config.endpointFault === null) {
      this.#exporter = createUsageExporter(usageResource(config), {
        url: config.url,
        headers: config.headers,
        timeoutMillis: config.requestTimeoutMillis,
      });
    } else {
      log.error(`usage: NOTHING IS SENT, usage is only kept in memory: ${config.endpointFault}`);
      this.#exporter = createRefusingExporter(config.endpointFault);
    }
    this.#delivery = new Delivery((batch, retrying) => this.#exporter.export(batch, retrying), Date.now);
    this.#mayOpen = () => this.#makeRoom();
    this.#interval = setInterval(() => this.#collectUnlessBehind(), config.exportIntervalMillis);
    this.#interval.unref();
    if (config.handleProcessEnd) watchProcessEnd(this);
  }

  get unsentPoints(): number {
    return this.#aggregation.size + this.#delivery.state.pendingPoints;
  }

  get whyUnsent(): string {
    return (this.#delivery.state.lastError ?? this.#noAnswer(this.#config.shutdownTimeoutMillis)).message;
  }

  get recordedCount(): number {
    return this.#recordedCount;
  }

  record(usage: Usage): void {
    let reason: DropReason | null;
    try {
      if (this.#ended !== null) {
        reason = 'meter_shut_down';
      } else {
        this.#recordedCount++;
        reason = this.#aggregation.add(usage, this.#mayOpen);
      }
    } catch {
      // A getter or a proxy of the caller's threw.
      reason = 'invalid_record';
    }
    if (reason !== null) this.#drops.add(reason, () => description(usage));
  }

  async flush(): Promise<FlushResult> {
    if (this.#ended !== null) return this.#ended;
    return this.#flush(this.#config.flushTimeoutMillis);
  }

  shutdown(): Promise<FlushResult> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async flushAtEnd(): Promise<void> {
    this.#collectIfRoom();
    await this.#settle(this.#config.shutdownTimeoutMillis);
  }

  sendBlocking(): void {
    const points = this.unsentPoints;
    try {
      // They stay pending: if the process lives on after all, they are the same points, sent once more.
      this.#delivery.push(this.#aggregation.collect());
      const batches = this.#delivery.pending;
      const bodies = batches.map((batch) => this.#exporter.serialize(batch));
      const target = this.#exporter.target();
      const { accepted, reason } = sendBlocking(target, bodies, this.#config.shutdownTimeoutMillis);
      const lost = batches.slice(accepted).reduce((sum, batch) => sum + batch.points, 0);
      if (lost > 0)
        log.error(`usage: LOST ${lost} data point(s) at the process's exit: ${this.#why(reason)}`);
    } catch (error) {
      log.error(`usage: LOST ${points} data point(s) at the process's exit: ${(error as Error).message}`);
    }
  }

  reportDrops(): void {
    this.#drops.reportRest();
  }

  /** @param reason what the blocking sender ended with */
  #why(reason: string): string {
    const { address } = this.#exporter;
    if (reason === '') return this.#noAnswer(this.#config.shutdownTimeoutMillis).message;
    return /^\d{3}$/.test(reason)
      ? answerTrouble(address, Number(reason))
      : connectionTrouble(address, reason, reason);
  }

  #noAnswer(timeoutMillis: number): Error {
    return new Error(`no answer from ${this.#exporter.address} within ${timeoutMillis} ms`);
  }

  async #end(): Promise<FlushResult> {
    clearInterval(this.#interval);
    const result = await this.#flush(this.#config.shutdownTimeoutMillis);
    this.#delivery.stop();
    unwatchProcessEnd(this);
    this.#drops.reportRest();
    if (result.pendingPoints > 0) {
      log.error(
        `usage: LOST ${result.pendingPoints} data point(s) with the meter's shutdown: ${this.whyUnsent}`,
      );
    }
    // Waits for a request that may still hang; nobody else has to.
    this.#exporter.shutdown().catch(() => {});
    return result;
  }

  async #flush(timeoutMillis: number): Promise<FlushResult> {
    const since = this.#reported;
    const settled = await this.#settle(timeoutMillis);
    const { state } = this.#delivery;
    const now: Totals = {
      acceptedPoints: state.acceptedPoints,
      refusedPoints: state.refusedPoints,
      dropped: new Map(this.#drops.counts),
    };
    this.#reported = now;
    const droppedRecords: Partial<Record<DropReason, number>> = {};
    for (const [reason, count] of now.dropped) {
      const more = count - (since.dropped.get(reason) ?? 0);
      if (more > 0) droppedRecords[reason] = more;
    }
    const lostPoints = now.refusedPoints - since.refusedPoints;
    let error: Error | null = null;
    if (!settled) error = state.lastError ?? this.#noAnswer(timeoutMillis);
    else if (lostPoints > 0) error = state.lastRefusal;
    else if (Object.keys(droppedRecords).length > 0) {
      error = new Error(`records were dropped: ${Object.keys(droppedRecords).join(', ')}`);
    }
    return {
      accepted: error === null,
      acceptedPoints: now.acceptedPoints - since.acceptedPoints,
      pendingPoints: this.unsentPoints,
      lostPoints,
      droppedRecords,
      messages: [...state.messages],
      error,
    };
  }

  /** @returns whether everything recorded before the call was accepted or refused */
  async #settle(timeoutMillis: number): Promise<boolean> {
    const endMillis = performance.now() + timeoutMillis;
    let collected = this.#collectIfRoom();
    let settled = await this.#delivery.settle(timeoutMillis);
    // There was no room to collect everything at first.
    while (settled && !collected) {
      collected = this.#collectIfRoom();
      settled = await this.#delivery.settle(Math.max(1, endMillis - performance.now()));
    }
    return settled;
  }

  /** The regular export. While the receiver is away, usage is rather summed further than queued: it takes less room. */
  #collectUnlessBehind(): void {
    if (this.#delivery.state.pendingPoints < this.#config.maxPendingPoints / 2) this.#collectIfRoom();
  }

  /** @returns false where the room for pending points does not suffice */
  #collectIfRoom(): boolean {
    const { pendingPoints } = this.#delivery.state;
    // With nothing pending, everything that fits into memory may be sent.
    if (pendingPoints > 0 && pendingPoints + this.#aggregation.size > this.#config.maxPendingPoints)
      return false;
    this.#delivery.push(this.#aggregation.collect());
    return true;
  }

  #makeRoom(): boolean {
    return this.#aggregation.size < this.#config.maxSeries || this.#collectIfRoom();
  }
}

/** OTEL_SDK_DISABLED: records nothing, and does not say that it did. */
class DisabledMeter implements UsageMeter {
  #records = 0;

  record(): void {
    this.#records++;
  }

  async flush(): Promise<FlushResult> {
    const records = this.#records;
    this.#records = 0;
    return {
      accepted: records === 0,
      acceptedPoints: 0,
      pendingPoints: 0,
      lostPoints: 0,
      droppedRecords: records === 0 ? {} : { sdk_disabled: records },
      messages: [],
      error: records === 0 ? null : new Error('OTEL_SDK_DISABLED is true: usage is not recorded'),
    };
  }

  shutdown(): Promise<FlushResult> {
    return this.flush();
  }
}

/**
 * Every process is a resource of its own, even two replicas of one service: without an instance id the receiver
 * could not tell their points apart.
 */
function usageResource(config: UsageMeterConfig): Resource {
  return defaultResource()
    .merge(
      detectResources({
        detectors: [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector],
      }),
    )
    .merge(resourceFromAttributes(config.resource));
}

/** Enough to find the line of code, and no customer's data. */
function description(usage: Usage): string {
  try {
    const { dimension, value } = usage;
    const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
    return `dimension ${JSON.stringify(dimension)?.slice(0, 100)}, value ${shown} (${typeof value})`;
  } catch {
    return 'it cannot be read';
  }
}
