import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startCaptureServer, totals } from '../instrumentation/capture-server.ts';

const file = (name: string) => fileURLToPath(new URL(`../../examples/express-app/${name}`, import.meta.url));

test('the Express app: what its routes cost arrives exactly, also what SIGTERM finds unsent', async () => {
  await using server = await startCaptureServer();
  const child = spawn(process.execPath, [file('app.ts')], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: server.url,
      OTEL_METRIC_EXPORT_INTERVAL: '100',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const { url } = JSON.parse(line);
    const headers = { 'x-customer-id': 'acme', 'content-type': 'application/json' };
    for (let i = 0; i < 10; i++) {
      expect((await fetch(`${url}/v1/search?q=${i}`, { headers })).status).toBe(200);
      const body = JSON.stringify({ prompt: 'three short words' });
      expect((await fetch(`${url}/v1/completions`, { method: 'POST', headers, body })).status).toBe(200);
    }
    expect((await fetch(`${url}/v1/search`)).status).toBe(401);
  } finally {
    child.kill('SIGTERM');
  }
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  expect(totals(server.accepted())).toEqual({
    'acme api.requests': '20',
    'acme tokens': '30',
    'acme compute.seconds': '0.03',
  });
});
