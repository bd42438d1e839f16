/** What Node's --cpu-prof wrote, as functions by the time that they themselves took. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

export interface ProfiledFunction {
  name: string;
  /** File and line, within the project where it is ours. */
  place: string;
  milliseconds: number;
  share: number;
}

export interface ThreadProfile {
  file: string;
  busyMilliseconds: number;
  functions: ProfiledFunction[];
}

/** One profile per thread of the receiver; `(idle)` is left out of the busy time. */
export function readProfiles(folder: string): ThreadProfile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((file) => toThreadProfile(file, JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile))
    .sort((a, b) => b.busyMilliseconds - a.busyMilliseconds);
}

function toThreadProfile(file: string, { nodes, samples, timeDeltas }: CpuProfile): ThreadProfile {
  const nodeOfId = new Map(nodes.map((node) => [node.id, node]));
  const selfTime = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const frame = nodeOfId.get(id)?.callFrame;
    if (frame === undefined || frame.functionName === '(idle)') continue;
    const milliseconds = timeDeltas[index] / 1000;
    const key = `${frame.functionName || '(anonymous)'}\t${placeOf(frame.url, frame.lineNumber)}`;
    selfTime.set(key, (selfTime.get(key) ?? 0) + milliseconds);
    busy += milliseconds;
  }
  const functions = [...selfTime]
    .map(([key, milliseconds]) => {
      const [name, place] = key.split('\t');
      return { name, place, milliseconds, share: milliseconds / busy };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
  return { file, busyMilliseconds: busy, functions };
}

function placeOf(url: string, lineNumber: number): string {
  const path = url.replace(/^file:\/\//, '');
  const place = path.startsWith(process.cwd()) ? path.slice(process.cwd().length + 1) : path;
  return place === '' ? '' : `${place}:${lineNumber + 1}`;
}
