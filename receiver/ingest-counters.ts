/** What came in since the process began, by signal: for people who ask why nothing is counted. */
import { FRAME_LOGS, FRAME_METRICS, type OtlpFrame } from './frames.ts';
import type { MeteringOutcome } from './metering/metering.ts';

/** Counts since the start of the process. */
export interface SignalCounts {
  requests: number;
  /** Requests in which no meter claimed anything. They were acknowledged and are not kept. */
  requestsWithoutUsage: number;
  /** Rows that meters made, quarantined ones included: one per signal and meter that claims it. */
  claimed: number;
  quarantined: number;
  /** Signals that no meter claims. */
  ignored: number;
  /** Points that say only that there is none (NO_RECORDED_VALUE). */
  markers: number;
}

export class IngestCounters {
  readonly metrics: SignalCounts = noCounts();
  readonly logs: SignalCounts = noCounts();
  readonly spans: SignalCounts = noCounts();

  count(kind: OtlpFrame, { claimed, quarantined, ignored, markers }: MeteringOutcome): void {
    const counts = kind === FRAME_METRICS ? this.metrics : kind === FRAME_LOGS ? this.logs : this.spans;
    counts.requests += 1;
    if (claimed === 0) counts.requestsWithoutUsage += 1;
    counts.claimed += claimed;
    counts.ignored += ignored;
    counts.markers += markers;
    for (const number of quarantined.values()) counts.quarantined += number;
  }
}

function noCounts(): SignalCounts {
  return { requests: 0, requestsWithoutUsage: 0, claimed: 0, quarantined: 0, ignored: 0, markers: 0 };
}
