/**
 * The running receiver: a port that always answers, and behind it an Ingest that may be opening, working, failed
 * and opening again, or stopping.
 *
 * Clients lose usage when a connection is refused (Go drops delta sums at once), so the port is bound before
 * recovery begins and answers until the process ends. What cannot be taken is answered with 503 and Retry-After: 2.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type Express } from 'express';
import { type DirectoryLock, lockDirectory } from '../storage/directory-lock.ts';
import { freeDiskBytes } from '../storage/journal/free-disk.ts';
import { LakePublisher } from '../storage/lake/publisher.ts';
import { asActor, FILE_ACTOR } from './actor.ts';
import { applyConfig } from './apply-config.ts';
import type { ServerConfig } from './config.ts';
import type { FileResources } from './config-changes.ts';
import { Dashboard } from './dashboard.ts';
import { AllowedHosts } from './http/allowed-hosts.ts';
import { type ApiAccess, apiRoutes } from './http/api.ts';
import { ApiKeys } from './http/auth.ts';
import type { BodyMemory } from './http/body.ts';
import { dashboardRoutes } from './http/dashboard-routes.ts';
import { hostCheck } from './http/host-check.ts';
import { liveRoutes } from './http/live-route.ts';
import { metersCheckRoutes } from './http/meters-check.ts';
import { metersTestRoutes } from './http/meters-test.ts';
import { referenceRoutes } from './http/openapi/reference-routes.ts';
import { bodyFormat, handleOtlp, isOtlpPath, OTLP_PATHS, type OtlpRoute, refuse } from './http/otlp.ts';
import { sendProblem } from './http/problem.ts';
import { routingErrors } from './http/routing-errors.ts';
import { sqlRoutes } from './http/sql-route.ts';
import { WarningThrottle } from './http/warning-throttle.ts';
import { Ingest } from './ingest.ts';
import { IngestCounters } from './ingest-counters.ts';
import type { Log } from './log.ts';
import { RefusedRequests } from './refused-requests.ts';
import { SqlPool } from './sql/sql-pool.ts';

/** Longer than the idle time of any common load balancer and SDK, or they meet a connection that just closed. */
const KEEP_ALIVE_MS = 90_000;
/** How long a request waits for recovery, or for the ledger to catch up, before it is sent away. */
const HOLD_MS = 5_000;
/** Bodies that may be under way together; beyond, clients are asked to come again. */
const BODIES_LIMIT_BYTES = 512 * 1024 * 1024;
const DISK_CHECK_MS = 2_000;
const RETENTION_CHECK_MS = 10 * 60_000;
const DAY_MS = 24 * 3600_000;
/** How long an analyst's session can go on with the catalogue that it opened. */
const KEEP_REPLACED_MS = 3600_000;

type State = 'recovering' | 'ready' | 'draining' | 'stopped';

export class Receiver {
  readonly #config: ServerConfig;
  /** What the configuration file declares. */
  readonly #file: FileResources | null;
  readonly #log: Log;
  readonly #server: Server;
  readonly #lock: DirectoryLock;
  readonly #warnings = new WarningThrottle();
  readonly #counters = new IngestCounters();
  #state: State = 'recovering';
  #ingest: Ingest | null = null;
  #publisher: LakePublisher | null = null;
  readonly #sql: SqlPool;
  readonly #dashboard: Dashboard;
  /** Settles with each change of state, for those who wait for one. */
  #changed = Promise.withResolvers<void>();
  /** Answers that are owed, with what was asked. */
  readonly #open = new Map<ServerResponse, IncomingMessage>();
  readonly #bodies: BodyMemory = { bytes: 0, limitBytes: BODIES_LIMIT_BYTES };
  readonly #stopping = new AbortController();
  /** Failures since usage was last loaded: the pause before the next opening grows with them. */
  #failures = 0;
  #diskIsFull = false;
  #freeDiskBytes: number | null = null;
  readonly #refused = new RefusedRequests();
  #timers: NodeJS.Timeout[] = [];
  /** The attempt to open, of which there is one at a time. */
  #opening: Promise<void> = Promise.resolve();
  readonly #fatal = Promise.withResolvers<Error>();

  private constructor(config: ServerConfig, file: FileResources | null, log: Log, lock: DirectoryLock) {
    this.#config = config;
    this.#file = file;
    this.#log = log;
    this.#lock = lock;
    this.#sql = new SqlPool({ lakeDirectory: join(config.dataDir, 'lake') });
    this.#dashboard = new Dashboard(log);
    const keys = new ApiKeys(config.apiKeys);
    const app = this.#routes(keys);
    this.#server = createServer((request, response) => {
      this.#open.set(response, request);
      const path = request.url ?? '';
      response.once('close', () => {
        this.#open.delete(response);
        if (response.statusCode < 400) return;
        const apiKey = keys.judge(request.headers.authorization);
        this.#refused.note(request, { path, status: response.statusCode, apiKey, at: new Date() });
      });
      app(request, response);
    });
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#server.headersTimeout = KEEP_ALIVE_MS + 5_000;
  }

  /**
   * Locks the data directory and binds the port. Recovery goes on behind it; {@link ready} tells when it is over.
   * @throws DirectoryLockedError where another process holds the directory; Error with `code` EADDRINUSE and the like
   */
  static async start(config: ServerConfig, log: Log, file: FileResources | null = null): Promise<Receiver> {
    const lock = await lockDirectory(config.dataDir);
    const receiver = new Receiver(config, file, log, lock);
    try {
      await new Promise<void>((resolve, reject) => {
        receiver.#server.once('error', reject);
        receiver.#server.listen(config.port, config.host, () => {
          receiver.#server.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      await lock.release();
      throw error;
    }
    await receiver.#checkDisk();
    receiver.#timers = [
      setInterval(() => void receiver.#checkDisk(), DISK_CHECK_MS),
      setInterval(() => void receiver.#releaseJournal(), RETENTION_CHECK_MS),
    ];
    receiver.#opening = receiver.#openIngest();
    void receiver.#dashboard.open();
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    const { host } = this.#config;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  /** Resolves when recovery is over and usage is taken. */
  async ready(): Promise<void> {
    while (this.#state === 'recovering') await this.#changed.promise;
  }

  /** Resolves with an error that needs a person: a corrupt journal, another's ledger. Stop the receiver then. */
  get fatal(): Promise<Error> {
    return this.#fatal.promise;
  }

  /**
   * Ends in order: new requests are sent away with 503, those under way are finished, everything durable is
   * loaded and checkpointed, and only then does the port close.
   */
  async stop(): Promise<void> {
    if (this.#state === 'draining' || this.#state === 'stopped') return;
    this.#become('draining');
    this.#stopping.abort();
    const sqlStopped = this.#sql.stop();
    this.#dashboard.stop();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#opening.catch(() => {});
    const ingest = this.#ingest;
    this.#ingest = null;
    try {
      // What was acknowledged is in the lake, too, unless the ledger cannot take it.
      await ingest?.caughtUp().catch(() => {});
      await this.#publisher?.finish();
      await ingest?.close();
      await sqlStopped;
    } finally {
      this.#become('stopped');
      // Whoever is still sending gets an answer: some clients drop usage when a connection ends without one.
      for (const [response, request] of this.#open) {
        if (response.headersSent) continue;
        response.setHeader('Connection', 'close');
        refuse(
          request,
          response,
          bodyFormat(request.headers['content-type']),
          503,
          'the receiver is stopping',
        );
      }
      const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
      this.#server.closeIdleConnections();
      const deadline = Date.now() + 2_000;
      while (this.#open.size > 0 && Date.now() < deadline) await sleep(10);
      this.#server.closeAllConnections();
      await closed;
      await this.#lock.release();
    }
  }

  async #openIngest(): Promise<void> {
    while (this.#state === 'recovering') {
      try {
        const ingest = await Ingest.open({
          dataDir: this.#config.dataDir,
          signal: this.#stopping.signal,
          onProgress: ({ sequence, lastSequence }) =>
            this.#log.info('recovering', { sequence, lastSequence, left: lastSequence - sequence }),
        });
        const cut = ingest.journal.recovery.cut;
        if (cut !== null) this.#log.warn('a torn write at the end of the journal was cut off', { ...cut });
        await this.#applyConfig(ingest);
        this.#ingest = ingest;
        this.#publisher = this.#publishLake(ingest);
        if (this.#state === 'recovering') this.#become('ready');
        ingest.ledger.onLoaded(() => {
          this.#failures = 0;
        });
        ingest.ledger.onClustered((rows, milliseconds) =>
          this.#log.info('stored usage was put into the order of questions', { rows, milliseconds }),
        );
        ingest.ledger.onTrouble((message) => this.#log.warn('the ledger has trouble', { message }));
        void ingest.failed.then((error) => this.#reopen(ingest, error));
        return;
      } catch (error) {
        if (!isRetryable(error)) {
          this.#log.error('the receiver cannot start', { error: String(error) });
          this.#fatal.resolve(error as Error);
          return;
        }
        this.#log.error('opening failed; trying again', { error: String(error) });
        await this.#pause();
      }
    }
  }

  /** The file's declarations hold before the first request is judged. */
  async #applyConfig(ingest: Ingest): Promise<void> {
    try {
      const changes = await asActor(FILE_ACTOR, () => applyConfig(ingest, this.#file));
      if (changes.length > 0)
        this.#log.info('the configuration was applied', {
          changes: changes.length,
          file: this.#config.configPath,
        });
    } catch (error) {
      await ingest.close().catch(() => {});
      throw error;
    }
  }

  /** A failed Ingest may know more than the disk: it is thrown away and made anew from the disk. */
  async #reopen(ingest: Ingest, error: Error): Promise<void> {
    if (this.#ingest !== ingest || this.#state !== 'ready') return;
    this.#log.error('storage failed; opening it again', { error: String(error) });
    this.#ingest = null;
    this.#become('recovering');
    this.#opening = (async () => {
      await this.#publisher?.stop();
      await ingest.close().catch((closeError) => {
        this.#log.warn('closing after a failure failed too', { error: String(closeError) });
      });
      await this.#pause();
      await this.#openIngest();
    })();
    await this.#opening;
  }

  #publishLake({ ledger }: Ingest): LakePublisher {
    return LakePublisher.start({
      directory: join(this.#config.dataDir, 'lake'),
      ledger,
      keepReplacedMs: KEEP_REPLACED_MS,
      onFailed: (error) =>
        this.#log.warn('the lake could not be brought up to date', { error: String(error) }),
    });
  }

  async #pause(): Promise<void> {
    const milliseconds = Math.min(10_000, 100 * 2 ** this.#failures);
    this.#failures += 1;
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  #become(state: State): void {
    this.#state = state;
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }

  async #checkDisk(): Promise<void> {
    try {
      const free = await freeDiskBytes(this.#config.dataDir);
      this.#freeDiskBytes = free;
      const isFull = free < this.#config.minFreeDiskBytes;
      if (isFull !== this.#diskIsFull) {
        this.#diskIsFull = isFull;
        if (isFull) this.#log.error('too little free disk: usage is refused', { free });
        else this.#log.info('there is room on the disk again', { free });
      }
    } catch (error) {
      this.#log.warn('free disk space is unknown', { error: String(error) });
    }
  }

  async #releaseJournal(): Promise<void> {
    const days = this.#config.journalRetentionDays;
    if (days === null || this.#ingest === null) return;
    try {
      const olderThan = BigInt(Date.now() - Math.round(days * DAY_MS)) * 1_000_000n;
      const segments = await this.#ingest.releaseJournal(olderThan);
      if (segments > 0) this.#log.info('journal segments past their retention were deleted', { segments });
    } catch (error) {
      this.#log.warn('the journal could not be shortened', { error: String(error) });
    }
  }

  /** The Ingest, once there is one, waiting for it a while. null while draining or when it took too long. */
  async #current(): Promise<Ingest | null> {
    if (this.#state === 'ready') return this.#ingest;
    const deadline = AbortSignal.timeout(HOLD_MS);
    const late = new Promise<void>((resolve) =>
      deadline.addEventListener('abort', () => resolve(), { once: true }),
    );
    while (this.#state === 'recovering' && !deadline.aborted)
      await Promise.race([this.#changed.promise, late]);
    return this.#ingest;
  }

  async #admit(): Promise<boolean> {
    if (this.#diskIsFull) return false;
    const ingest = await this.#current();
    if (ingest === null) return false;
    if (!ingest.isFull) return true;
    await Promise.race([ingest.room(), sleep(HOLD_MS, undefined, { ref: false })]);
    return !ingest.isFull && this.#ingest === ingest;
  }

  #routes(keys: ApiKeys): Express {
    const warn = (message: string, fields: Record<string, unknown>) => this.#log.warn(message, fields);
    const app = express();
    app.disable('x-powered-by');
    app.disable('etag');
    app.set('query parser', false);

    app.get('/healthz', (_request, response) => {
      response.json({ status: 'ok' });
    });
    app.get('/readyz', (_request, response) => {
      const ready = this.#state === 'ready' && !this.#diskIsFull;
      const reason = this.#state !== 'ready' ? this.#state : 'disk full';
      if (!ready) response.setHeader('Retry-After', '2');
      response
        .status(ready ? 200 : 503)
        .json(ready ? { status: 'ready' } : { status: 'unavailable', reason });
    });

    // A page that rebinds a name has no key, so with keys the name does not matter.
    if (!keys.required) app.use(hostCheck(new AllowedHosts(this.#config.allowedHosts), warn));
    app.use(referenceRoutes());
    app.use(dashboardRoutes(() => this.#dashboard.state));

    const otlp: OtlpRoute = {
      admit: () => this.#admit(),
      take: async (kind, raw, encoding) => {
        const ingest = this.#ingest;
        if (ingest === null) throw new Error('the receiver is not ready any more');
        const outcome = await ingest.signals(kind, raw, encoding);
        this.#counters.count(kind, outcome);
        return outcome;
      },
      memory: this.#bodies,
      warnings: this.#warnings,
      log: warn,
    };
    app.use((request, response, next) => {
      if (this.#state === 'draining' || this.#state === 'stopped') response.setHeader('Connection', 'close');
      if (keys.allows(request.headers.authorization)) return next();
      if (isOtlpPath(request.path)) {
        refuse(request, response, bodyFormat(request.headers['content-type']), 401, UNAUTHENTICATED);
      } else {
        response.setHeader('WWW-Authenticate', 'Bearer');
        sendProblem(response, {
          status: 401,
          code: 'UNAUTHENTICATED',
          title: 'No valid API key',
          detail: UNAUTHENTICATED,
        });
      }
    });
    for (const [path, kind] of Object.entries(OTLP_PATHS))
      app.all(path, (request, response) => handleOtlp(kind, request, response, otlp));
    const api: ApiAccess = {
      ingest: () => this.#current(),
      admit: () => this.#admit(),
      memory: this.#bodies,
      state: () => ({ state: this.#state, diskIsFull: this.#diskIsFull }),
      counters: this.#counters,
      refused: this.#refused,
      apiKeyRequired: keys.required,
      freeDiskBytes: () => this.#freeDiskBytes,
      lake: () => this.#publisher?.state ?? null,
      actorOf: (authorization) => keys.actorOf(authorization),
      log: warn,
    };
    app.use(
      '/api/v1',
      metersTestRoutes(api, {
        journalDirectory: join(this.#config.dataDir, 'journal'),
        stopping: this.#stopping.signal,
      }),
    );
    app.use('/api/v1', metersCheckRoutes(api));
    app.use('/api/v1', sqlRoutes({ pool: this.#sql, memory: this.#bodies, log: warn }));
    app.use('/api/v1', liveRoutes(api, this.#stopping.signal));
    app.use('/api/v1', apiRoutes(api));
    app.use((request: IncomingMessage, response: ServerResponse) => {
      sendProblem(response, {
        status: 404,
        code: 'NOT_FOUND',
        title: 'Not found',
        detail: `there is nothing at ${request.url}; OTLP goes to /v1/metrics, /v1/logs and /v1/traces, questions to /api/v1/usage`,
      });
    });
    app.use(routingErrors(warn));
    return app;
  }
}

const UNAUTHENTICATED = 'send one of the keys of USAGE_METER_API_KEYS as "Authorization: Bearer KEY"';

/** What passes by itself, such as a full disk, is tried again; what needs a person is not. */
function isRetryable(error: unknown): boolean {
  return (error as { retryable?: unknown }).retryable === true;
}
