/** What happens to unsent usage when the process ends, whichever way, without changing that way. */
import { isMainThread } from 'node:worker_threads';
import { log } from './log.ts';

/** A meter, as the end of the process sees it. */
export interface EndingMeter {
  /** Data points that are not accepted yet. */
  readonly unsentPoints: number;
  /** Moves whenever something is recorded. */
  readonly recordedCount: number;
  /** What keeps them from being accepted, in words. */
  readonly whyUnsent: string;
  /** Sends within the shutdown timeout; never rejects. */
  flushAtEnd(): Promise<void>;
  /** Sends while nothing asynchronous runs any more; blocks within the shutdown timeout. */
  sendBlocking(): void;
  /** Warns about dropped records that no warning has counted yet. */
  reportDrops(): void;
}

const meters = new Set<EndingMeter>();
/** Meters whose last flush at the end failed, with their recordedCount then: no second attempt for the same usage. */
const gaveUp = new WeakMap<EndingMeter, number>();
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type Signal = NodeJS.Signals;
/** Marks our listeners, so that two copies of this library in a process do not take each other for the application. */
const OURS = Symbol.for('otel-usage-meter.signal-listener');
let dyingOf: Signal | null = null;

/** Has the meter's usage sent when the process ends. */
export function watchProcessEnd(meter: EndingMeter): void {
  if (meters.size === 0) install();
  meters.add(meter);
}

export function unwatchProcessEnd(meter: EndingMeter): void {
  meters.delete(meter);
  if (meters.size === 0 && dyingOf === null) uninstall();
}

function install(): void {
  process.on('beforeExit', onBeforeExit);
  process.on('exit', onExit);
  // Signals only reach the main thread. First in line: a `once` listener before us would be gone when we count.
  if (isMainThread) for (const signal of SIGNALS) process.prependListener(signal, onSignal);
}

function uninstall(): void {
  process.off('beforeExit', onBeforeExit);
  process.off('exit', onExit);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** The event loop is empty. Flushing fills it again, so this comes once more afterwards, with nothing left to do. */
function onBeforeExit(): void {
  flushAll();
}

/**
 * process.exit(), an uncaught error, or the end after beforeExit. A common SIGTERM handler of an application is
 * `server.close(() => process.exit())`, which leaves no time for anything asynchronous.
 */
function onExit(): void {
  for (const meter of unsent()) meter.sendBlocking();
  for (const meter of meters) meter.reportDrops();
}

/**
 * Our listener takes away the signal's default action, so where nobody else listens we must carry it out. Where the
 * application listens, it decides; usage is sent beside it, and what it leaves is sent at exit.
 */
function onSignal(signal: Signal): void {
  const alone = process.listenerCount(signal) === passiveListeners(signal);
  if (!alone) {
    flushAll();
  } else if (dyingOf === null) {
    dyingOf = signal;
    flushAll().then(() => {
      // Recorded while the flush was running. From here to the kill nothing else can run.
      for (const meter of unsent()) meter.sendBlocking();
      die(signal);
    });
  } else {
    // Somebody is impatient.
    for (const meter of unsent()) log.error(lost(meter));
    die(signal);
  }
}
Object.defineProperty(onSignal, OURS, { value: true });

function die(signal: Signal): void {
  for (const meter of meters) meter.reportDrops();
  uninstall();
  process.kill(process.pid, signal);
  // Only process 1 of a container is still here: the kernel keeps signals without a handler from it. It goes on until
  // SIGKILL, as it would without us.
  setTimeout(() => {
    dyingOf = null;
    if (meters.size > 0) install();
  }, 1000).unref();
}

async function flushAll(): Promise<void> {
  await Promise.all(
    unsent().map(async (meter) => {
      const recordedCount = meter.recordedCount;
      await meter.flushAtEnd();
      if (meter.unsentPoints === 0 || meter.recordedCount !== recordedCount) return;
      gaveUp.set(meter, recordedCount);
      log.error(lost(meter));
    }),
  );
}

function lost(meter: EndingMeter): string {
  return `usage: LOST ${meter.unsentPoints} data point(s) with the end of this process: ${meter.whyUnsent}`;
}

function unsent(): EndingMeter[] {
  return [...meters].filter((meter) => meter.unsentPoints > 0 && gaveUp.get(meter) !== meter.recordedCount);
}

/** Listeners that leave the signal's effect as it is: ours, of every copy, and those of the package signal-exit. */
function passiveListeners(signal: Signal): number {
  const ours = process.listeners(signal).filter((listener) => OURS in listener).length;
  const signalExit: unknown = Reflect.get(globalThis, Symbol.for('signal-exit emitter'));
  const count: unknown =
    typeof signalExit === 'object' && signalExit !== null ? Reflect.get(signalExit, 'count') : 0;
  return ours + (typeof count === 'number' ? count : 0);
}
