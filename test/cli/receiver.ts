/** A receiver in this process, with its own data directory, for commands that ask one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerConfig } from '../../receiver/config.ts';
import { createLog } from '../../receiver/log.ts';
import { Receiver } from '../../receiver/server.ts';

export interface TestReceiver {
  url: string;
  dataDir: string;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export async function startTestReceiver(config: Partial<ServerConfig> = {}): Promise<TestReceiver> {
  const folder = await mkdtemp(join(tmpdir(), 'usage-meter-cli-'));
  const dataDir = join(folder, 'data');
  const receiver = await Receiver.start(
    {
      host: '127.0.0.1',
      port: 0,
      dataDir,
      apiKeys: [],
      log: 'text',
      minFreeDiskBytes: 0,
      journalRetentionDays: null,
      allowedHosts: [],
      configPath: null,
      ...config,
    },
    createLog('text', () => {}),
  );
  await receiver.ready();
  return {
    url: receiver.url,
    dataDir,
    stop: async () => {
      await receiver.stop();
      await rm(folder, { recursive: true });
    },
  };
}
