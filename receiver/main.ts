/** The receiver as a process: environment, first line, signals. The only place that reads the environment. */
import { ConfigError, loadConfig, readConfig, readDataDir, type ServerFlags } from './config.ts';
import { configReport, faultReport } from './config-report.ts';
import { createLog } from './log.ts';
import { rebuildLedger } from './rebuild.ts';
import { repairData } from './repair.ts';
import { Receiver } from './server.ts';

const STOP_LIMIT_MS = 120_000;

/**
 * Serves until SIGTERM or SIGINT.
 * @throws ConfigError, DirectoryLockedError, or the error of a port that cannot be bound; nothing runs then
 */
export async function serve(flags: ServerFlags): Promise<void> {
  const { server: config, file } = readConfig(flags, process.env);
  const log = createLog(config.log, (line) => console.error(line));
  const receiver = await Receiver.start(config, log, file);
  const { url } = receiver;
  if (config.log === 'json') {
    console.log(
      JSON.stringify({
        message: 'listening',
        url,
        host: config.host,
        port: receiver.port,
        dataDir: config.dataDir,
        pid: process.pid,
      }),
    );
  } else {
    console.log(
      `usage-meter: dashboard at ${url}, OTLP metrics, logs and traces at ${url}/v1/…, questions at ${url}/api/v1/usage, data in ${config.dataDir}`,
    );
  }

  let stopping: Promise<void> | null = null;
  const stop = (reason: string): Promise<void> => {
    stopping ??= (async () => {
      log.info('stopping', { reason });
      await receiver.stop();
      log.info('stopped');
    })();
    return stopping;
  };
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Who asks again does not want to wait. What was acknowledged is in the journal, whatever is left undone.
      if (stopping !== null) process.exit(1);
      setTimeout(() => {
        log.error('stopping took too long; the next start loads the rest from the journal', {
          seconds: STOP_LIMIT_MS / 1000,
        });
        process.exit(1);
      }, STOP_LIMIT_MS).unref();
      stop(signal).then(ended.resolve, ended.reject);
    });
  }
  void receiver.fatal.then(async (error) => {
    await stop('fatal').catch(() => {});
    ended.reject(error);
  });
  void receiver.ready().then(() => log.info('ready'));
  await ended.promise;
}

/** Makes the ledger anew from the journal, telling how far it is. */
export async function rebuild(flags: { dataDir?: string; config?: string; into?: string }): Promise<void> {
  const started = Date.now();
  const { path, lastSequence } = await rebuildLedger({
    dataDir: readDataDir(flags, process.env),
    ...(flags.into === undefined ? {} : { into: flags.into }),
    onProgress: (progress) => {
      const secondsEach = (Date.now() - started) / 1000 / progress.sequence;
      const left = Math.ceil(secondsEach * (progress.lastSequence - progress.sequence));
      console.error(
        `rebuilding: request ${progress.sequence} of ${progress.lastSequence}, about ${left} s left`,
      );
    },
  });
  console.log(`rebuilt ${path} from ${lastSequence} journaled requests`);
}

/** Makes a journal that was refused as corrupt open again, and says what was lost. */
export async function repairJournal(flags: { dataDir?: string; config?: string }): Promise<void> {
  const { rewritten, missing } = await repairData(readDataDir(flags, process.env));
  for (const { file, movedTo, offset, reason, salvagedFrames } of rewritten) {
    console.log(
      `${file}: ${reason} at byte ${offset}; ${salvagedFrames} requests saved, the file as it was is ${movedTo}`,
    );
  }
  for (const { first, last } of missing) console.log(`lost: requests ${first} to ${last}`);
  if (rewritten.length === 0 && missing.length === 0)
    console.log('the journal is whole; nothing was changed');
}

/** Says what is wrong with the configuration, or what it is and where each value comes from. Exit code 1 where wrong. */
export function checkConfig({ json, ...flags }: ServerFlags & { json?: boolean }): void {
  const report = (() => {
    try {
      return configReport(loadConfig(flags, process.env), process.cwd());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      process.exitCode = 1;
      return faultReport(error, process.cwd());
    }
  })();
  console.log(json ? JSON.stringify(report.json) : report.lines.join('\n'));
}
