/** The API over an Ingest in this process, for what a running receiver does not let a test arrange. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import express from 'express';
import { type ApiAccess, apiRoutes } from '../../../receiver/http/api.ts';
import { Ingest } from '../../../receiver/ingest.ts';
import { IngestCounters } from '../../../receiver/ingest-counters.ts';
import { rebuildLedger } from '../../../receiver/rebuild.ts';
import { RefusedRequests } from '../../../receiver/refused-requests.ts';
import { ApiClient } from '../../system/api/api-client.ts';

export class ApiServer {
  readonly client: ApiClient;
  /** What the API is given; tests change it. */
  readonly access: { ingest: Ingest | null; admits: boolean };
  readonly #server: Server;
  readonly #dataDir: string;

  private constructor(server: Server, dataDir: string, access: ApiServer['access']) {
    this.#server = server;
    this.#dataDir = dataDir;
    this.access = access;
    this.client = new ApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  static async start(): Promise<ApiServer> {
    const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-api-'));
    const access: ApiServer['access'] = { ingest: await Ingest.open({ dataDir }), admits: true };
    const app = express();
    app.set('query parser', false);
    const apiAccess: ApiAccess = {
      ingest: async () => access.ingest,
      admit: async () => access.admits,
      memory: { bytes: 0, limitBytes: 1 << 20 },
      state: () => ({ state: 'ready', diskIsFull: false }),
      counters: new IngestCounters(),
      refused: new RefusedRequests(),
      apiKeyRequired: false,
      freeDiskBytes: () => null,
      lake: () => null,
      actorOf: () => 'local',
      log: () => {},
    };
    app.use('/api/v1', apiRoutes(apiAccess));
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ApiServer(server, dataDir, access);
  }

  get ingest(): Ingest {
    return this.access.ingest!;
  }

  /** As after a stop and a start. */
  async restart(): Promise<void> {
    await this.ingest.close();
    this.access.ingest = await Ingest.open({ dataDir: this.#dataDir });
  }

  /** As {@link restart}, with a ledger that was made anew from the journal. */
  async rebuild(): Promise<void> {
    await this.ingest.close();
    await rebuildLedger({ dataDir: this.#dataDir });
    this.access.ingest = await Ingest.open({ dataDir: this.#dataDir });
  }

  /** What questions in SQL are answered by the ledger, as text, while nobody else has it open. */
  async askLedger(questions: readonly string[]): Promise<string[][][]> {
    await this.ingest.close();
    const instance = await DuckDBInstance.create(join(this.#dataDir, 'ledger.duckdb'));
    const connection = await instance.connect();
    const answers: string[][][] = [];
    for (const sql of questions) {
      const rows = (await connection.runAndReadAll(sql)).getRowsJson();
      answers.push(rows.map((row) => row.map((value) => String(value))));
    }
    connection.closeSync();
    instance.closeSync();
    this.access.ingest = await Ingest.open({ dataDir: this.#dataDir });
    return answers;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.access.ingest?.close();
    rmSync(this.#dataDir, { recursive: true });
  }
}
