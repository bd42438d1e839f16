/**
 * An Express app that bills API requests and tokens. Usage metering is the import and the lines that call
 * `recordUsage`; where it goes to is said by OTEL_EXPORTER_OTLP_ENDPOINT (default http://localhost:4318).
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
// In your own app: import { recordUsage } from 'otel-usage-meter';
import { recordUsage } from '../../instrumentation/index.ts';

const app = express();
app.use(express.json());

// Who calls: here a header, in your app what your authentication says.
app.use((request, response, next) => {
  response.locals.customer = request.get('x-customer-id');
  if (response.locals.customer) next();
  else response.status(401).json({ error: 'x-customer-id is missing' });
});

app.get('/v1/search', (request, response) => {
  const { customer } = response.locals;
  recordUsage({ customer, dimension: 'api.requests', value: 1, metadata: { route: '/v1/search' } });
  response.json({ results: [`something about ${request.query.q}`] });
});

app.post('/v1/completions', (request, response) => {
  const { customer } = response.locals;
  const { prompt = '', model = 'small' } = request.body ?? {};
  const words = String(prompt).split(/\s+/).filter(Boolean);
  recordUsage({ customer, dimension: 'api.requests', value: 1, metadata: { route: '/v1/completions' } });
  recordUsage({ customer, dimension: 'tokens', value: words.length, metadata: { model: String(model) } });
  // Fractions stay exact: a thousand times 0.001 is 1.
  recordUsage({ customer, dimension: 'compute.seconds', value: words.length * 0.001 });
  response.json({ completion: words.reverse().join(' '), tokens: words.length });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ message: 'listening', url: `http://127.0.0.1:${port}` }));
});
