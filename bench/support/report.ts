/** The benchmark's figures for people: a table for each size of body, and where the receiver spent its time. */
import type { ThreadProfile } from './cpu-profile.ts';
import type { LoadFigures, PhaseFigures } from './load.ts';

export function printLoad(figures: LoadFigures): void {
  const { signal, peak, steady, naive: compared } = figures;
  const line = (name: string, ...columns: (string | number)[]) =>
    console.log(`  ${name.padEnd(32)}${columns.map((column) => String(column).padStart(14)).join('')}`);
  const phases = steady === null ? [peak] : [peak, steady];
  const each = (value: (phase: PhaseFigures) => string) => phases.map(value);
  console.log(`\n${figures.pointsPerBody} ${signal}s per body, gzip, ${figures.connections} connections`);
  line(
    '',
    'full speed',
    ...(steady === null ? [] : [`${steady.targetPointsPerSecond}/s`]),
    ...(compared ? ['naive'] : []),
  );
  line(
    `CPU per ${signal} (µs)`,
    ...each((p) => p.cpuMicrosecondsPerPoint.toFixed(2)),
    ...(compared ? [compared.cpuMicrosecondsPerPoint.toFixed(2)] : []),
  );
  line(
    `${signal}s per second`,
    ...each((p) => p.pointsPerSecond.toFixed(0)),
    ...(compared ? [compared.pointsPerSecond.toFixed(0)] : []),
  );
  line(
    'acknowledged, p50 (ms)',
    ...each((p) => p.acknowledgementP50Ms.toFixed(1)),
    ...(compared ? [compared.acknowledgementP50Ms.toFixed(1)] : []),
  );
  line(
    'acknowledged, p99 (ms)',
    ...each((p) => p.acknowledgementP99Ms.toFixed(1)),
    ...(compared ? [compared.acknowledgementP99Ms.toFixed(1)] : []),
  );
  line('acknowledged, slowest (ms)', ...each((p) => p.acknowledgementMaxMs.toFixed(1)));
  line('queryable after (ms), at worst', ...each((p) => p.queryableMs.toFixed(0)));
  line(`the driver's CPU per ${signal}`, ...each((p) => p.driverMicrosecondsPerPoint.toFixed(2)));
  const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
  line(
    'resident memory, now and peak',
    mebibytes(figures.residentBytes),
    mebibytes(figures.peakResidentBytes),
  );
  line('ledger bytes per record', figures.ledgerBytesPerRecord.toFixed(1));
  line('journal bytes per record', figures.journalBytesPerRecord.toFixed(1));
  line('records and series', figures.records, figures.series);
  const busiest = Object.entries(figures.threads).sort(([, a], [, b]) => b - a);
  const shown = busiest.slice(0, 4).map(([name, spent]) => `${name} ${(spent / 1e6).toFixed(1)}`);
  line('CPU by thread (s)', `  ${shown.join(', ')}`);
  if (figures.refused > 0) line('refused with 503', figures.refused);
  console.log('  every total is exact');
}

export function printProfiles(profiles: readonly ThreadProfile[]): void {
  for (const { file, busyMilliseconds, functions } of profiles) {
    console.log(`\n${file}: busy for ${busyMilliseconds.toFixed(0)} ms`);
    for (const { name, place, milliseconds, share } of functions.slice(0, 30)) {
      console.log(
        `  ${(share * 100).toFixed(1).padStart(5)} % ${milliseconds.toFixed(0).padStart(7)} ms  ${name}  ${place}`,
      );
    }
  }
}
