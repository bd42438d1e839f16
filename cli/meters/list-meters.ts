/** `usage-meter meters list`: the meters of a running receiver. */
import { z } from 'zod';
import { DEFAULT_URL, ReceiverClient } from '../http-client.ts';
import { number, printable, textTable } from '../text-table.ts';
import { ask } from './known-registry.ts';

export interface ListFlags {
  url?: string;
  json?: boolean;
}

const Meters = z.object({
  rows: z.array(
    z.looseObject({
      id: z.string(),
      version: z.int(),
      enabled: z.boolean(),
      signals: z.array(z.string()),
      name: z.string().nullable(),
      managedBy: z.string(),
    }),
  ),
  nextCursor: z.string().nullable(),
});

/** @returns the exit code: 0, or 1 where the receiver cannot be asked */
export async function listMeters(flags: ListFlags, environment: NodeJS.ProcessEnv): Promise<number> {
  try {
    const apiKey = environment.USAGE_METER_API_KEY || undefined;
    const client = new ReceiverClient({ url: flags.url ?? DEFAULT_URL, apiKey, patienceMs: 5_000 });
    const { rows, nextCursor } = Meters.parse(await ask(client, '/api/v1/meters?limit=10000'));
    if (flags.json) {
      console.log(JSON.stringify(rows, null, 2));
      return 0;
    }
    const lines = textTable(
      ['meter', 'version', 'state', 'signals', 'managed by', 'name'],
      rows.map(({ id, version, enabled, signals, managedBy, name }) => [
        printable(id),
        number(version),
        enabled ? 'on' : 'off',
        signals.join(' '),
        managedBy,
        printable(name ?? ''),
      ]),
      process.stdout.columns ?? 120,
    );
    console.log(lines.join('\n'));
    if (nextCursor !== null) console.log('and more');
    return 0;
  } catch (error) {
    console.error(`usage-meter: ${(error as Error).message}`);
    return 1;
  }
}
