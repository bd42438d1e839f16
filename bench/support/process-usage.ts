/** What a process costs, as Linux counts it for all of its threads. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MICROSECONDS_PER_TICK = 1e6 / ticksPerSecond();

function ticksPerSecond(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100;
  } catch {
    return 100;
  }
}

/** User and system time of all threads, living and ended, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command in parentheses and may hold anything; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
}

export interface Memory {
  residentBytes: number;
  /** The highest since the process began. */
  peakResidentBytes: number;
}

export function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024;
  return { residentBytes: bytes('VmRSS'), peakResidentBytes: bytes('VmHWM') };
}

/** CPU time per thread name, in microseconds: which part of the receiver works. */
export function cpuByThread(pid: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const text = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const spent = (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
      sums.set(name, (sums.get(name) ?? 0) + spent);
    } catch {
      // The thread ended between the two looks.
    }
  }
  return sums;
}

/** The size of a file, or of all files below a folder; 0 where there is none. */
export function bytesOnDisk(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOnDisk(join(path, name)), 0);
}
