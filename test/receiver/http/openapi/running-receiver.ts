/** A receiver in this process, with the Express application that answers for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { vi } from 'vitest';
import { createLog, Receiver } from '../../../../receiver/index.ts';

export interface RunningReceiver {
  url: string;
  dataDir: string;
  routes: KnownRoute[];
  stop(): Promise<void>;
}

/** A route as Express knows it. */
export interface KnownRoute {
  /** As OpenAPI writes it: `/api/v1/records/{recordId}`. */
  path: string;
  /** null: the route itself decides, and says what it takes in `Allow`. */
  methods: string[] | null;
}

export async function runReceiver(apiKeys: string[] = []): Promise<RunningReceiver> {
  const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-openapi-'));
  const apps: Stacked[] = [];
  const { handle } = express.application as unknown as { handle: (...args: unknown[]) => void };
  vi.spyOn(express.application as unknown as { handle: typeof handle }, 'handle').mockImplementation(
    function (this: Stacked, ...args) {
      apps.push(this);
      return handle.apply(this, args);
    },
  );
  const config = {
    host: '127.0.0.1',
    port: 0,
    dataDir,
    apiKeys,
    log: 'text' as const,
    minFreeDiskBytes: 0,
    journalRetentionDays: null,
    allowedHosts: [],
    configPath: null,
  };
  const receiver = await Receiver.start(
    config,
    createLog('text', () => {}),
  );
  await receiver.ready();
  await (await fetch(`${receiver.url}/healthz`)).arrayBuffer();
  return {
    url: receiver.url,
    dataDir,
    routes: routesOf(apps[0].router, ''),
    stop: async () => {
      await receiver.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}

/** What Express keeps of routes and routers. */
interface Stacked {
  router: { stack: Layer[] };
}
interface Layer {
  rawPath: unknown;
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

function routesOf({ stack }: { stack: Layer[] }, prefix: string): KnownRoute[] {
  return stack.flatMap((layer): KnownRoute[] => {
    const { route, handle, rawPath } = layer;
    if (route !== undefined) {
      const methods = Object.keys(route.methods).map((method) => method.toUpperCase());
      const path = `${prefix}${route.path}`.replaceAll(/:(\w+)/g, '{$1}');
      // What was mounted with all() is there for every method that there is, or for one that stands for them.
      const isAll = methods.includes('_ALL') || methods.includes('PATCH');
      return [{ path, methods: isAll ? null : methods }];
    }
    if (handle.stack === undefined) return [];
    return routesOf({ stack: handle.stack }, rawPath === '/' ? prefix : `${prefix}${rawPath}`);
  });
}
