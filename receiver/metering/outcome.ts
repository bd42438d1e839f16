/** What became of the signals of a request, and the numbers that series and events are given. */
import { codeName, type QuarantineCode } from '../../storage/quarantine-codes.ts';

export { MAX_ID_LENGTH } from '../../storage/resources.ts';

/** What became of the signals of one request. */
export interface MeteringOutcome {
  /** Rows that were handed on, quarantined ones included: one per signal and meter that claims it. */
  claimed: number;
  /** Rows by quarantine code. Only what can be judged on arrival. */
  quarantined: Map<QuarantineCode, number>;
  /** Signals that no meter claims. */
  ignored: number;
  /** NO_RECORDED_VALUE markers. */
  markers: number;
}

export function emptyOutcome(): MeteringOutcome {
  return { claimed: 0, quarantined: new Map(), ignored: 0, markers: 0 };
}

export function quarantine(outcome: MeteringOutcome, code: number): void {
  const name = codeName(code);
  outcome.quarantined.set(name, (outcome.quarantined.get(name) ?? 0) + 1);
}

/** Slots and contexts are numbered together, whatever kind of signal they are for. */
export class SlotNumbers {
  nextSlot = 0;
  nextContext = 0;

  clear(): void {
    this.nextSlot = 0;
    this.nextContext = 0;
  }
}

/** What the ledger keeps of a name, for people to look at. */
const MAX_NAME_LENGTH = 1024;

export function shortened(name: string): string {
  return name.length <= MAX_NAME_LENGTH ? name : `${name.slice(0, MAX_NAME_LENGTH)}…`;
}
