/**
 * The dashboard as people have it: a real receiver in a process of its own, a real Chromium. Whatever the page says on
 * its console as an error, asks of another host, or does against its Content Security Policy fails the test.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { UsageMeterClient } from '../../../client/index.ts';
import { type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';
import { launchChromium } from './chromium.ts';

export interface DashboardOptions {
  /** Added to the receiver's environment. */
  env?: Record<string, string>;
  args?: string[];
  /** `listening`: the receiver is not to become ready. */
  until?: 'ready' | 'listening';
  /** Of USAGE_METER_API_KEYS, for `client`. */
  apiKey?: string;
  /** What the receiver has before the first test. */
  seed?: (client: UsageMeterClient, url: string) => Promise<void>;
}

export interface OpenOptions {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
  timeZone?: string;
  /** Errors on the console that belong to the test, as of a request that is refused. */
  expected?: RegExp;
}

export interface DashboardFixture {
  readonly url: string;
  readonly client: UsageMeterClient;
  readonly receiver: ReceiverProcess;
  /** A tab of its own, with nothing remembered from others. It is closed after the test. */
  open(path: string, options?: OpenOptions): Promise<Page>;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Builds the page if need be, starts receiver and browser before the tests of a file, and ends them after. */
export function dashboardFixture(options: DashboardOptions = {}): DashboardFixture {
  const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-dashboard-'));
  const contexts: BrowserContext[] = [];
  const faults: string[] = [];
  let receiver: ReceiverProcess | undefined;
  let browser: Browser | undefined;

  beforeAll(async () => {
    // In a process of its own: of test files that come together, one builds and the others wait.
    await promisify(execFile)(process.execPath, [join(root, 'scripts/build-dashboard.ts')]);
    receiver = await startReceiver({
      dataDir,
      env: {
        ...(options.apiKey === undefined ? {} : { USAGE_METER_API_KEYS: options.apiKey }),
        ...options.env,
      },
      args: options.args ?? [],
      until: options.until ?? 'ready',
    });
    await options.seed?.(fixture.client, receiver.url);
    browser = await launchChromium();
  });

  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    expect(faults.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await receiver?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const fixture: DashboardFixture = {
    get receiver() {
      return receiver!;
    },
    get url() {
      return receiver!.url;
    },
    get client() {
      const { apiKey } = options;
      return new UsageMeterClient({ url: receiver!.url, ...(apiKey === undefined ? {} : { apiKey }) });
    },
    async open(path, { width = 1280, height = 800, theme = 'light', timeZone = 'UTC', expected } = {}) {
      const context = await browser!.newContext({
        viewport: { width, height },
        colorScheme: theme,
        timezoneId: timeZone,
        locale: 'en-GB',
        reducedMotion: 'reduce',
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      contexts.push(context);
      const page = await context.newPage();
      const { host } = new URL(receiver!.url);
      page.on('request', (request) => {
        const url = new URL(request.url());
        if (/^https?:$/.test(url.protocol) && url.host !== host) faults.push(`asked ${request.url()}`);
      });
      page.on('console', (message) => {
        const text = message.text();
        if (message.type() === 'error' && !expected?.test(text)) faults.push(`console: ${text}`);
      });
      page.on('pageerror', (error) => faults.push(`page: ${error.stack ?? error}`));
      await page.goto(receiver!.url + path);
      return page;
    },
  };
  return fixture;
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary: string }[];
}

/** Holds the page, as it is, to have no serious violation of axe's: in both themes, wide and at 360 px. */
export async function expectAccessible(page: Page): Promise<void> {
  const before = page.viewportSize()!;
  for (const width of [1280, 360]) {
    for (const theme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: theme });
      await page.evaluate(axe);
      const violations = (await page.evaluate(
        `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, impact, nodes }) =>
          ({ id, impact, nodes: nodes.slice(0, 3).map(({ html, failureSummary }) => ({ html, failureSummary })) })))`,
      )) as Violation[];
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious, `axe, ${theme}, ${width} px`).toEqual([]);
    }
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Holds the page to be no wider than the window: nothing scrolls sideways but tables in themselves. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { scroll, client } = (await page.evaluate(
    '({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth })',
  )) as { scroll: number; client: number };
  expect(scroll).toBeLessThanOrEqual(client);
}
