/** A proxy before a receiver that keeps what went through it: the bodies that real exporters sent, to send them again. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface CapturedRequest {
  path: string;
  mediaType: string;
  isGzip: boolean;
  /** As it was on the wire. */
  raw: Buffer;
  /** Inflated. */
  body: Buffer;
  /** What the receiver answered. */
  status: number;
}

export interface CaptureProxy extends AsyncDisposable {
  url: string;
  /** In the order of their answers. */
  requests: CapturedRequest[];
}

/** @param target the receiver's URL, asked for each request */
export async function startCaptureProxy(target: () => string): Promise<CaptureProxy> {
  const requests: CapturedRequest[] = [];
  const server = createServer(async (incoming, answer) => {
    const raw = await collected(incoming);
    const path = incoming.url ?? '/';
    const { host: _host, 'transfer-encoding': _chunked, ...headers } = incoming.headers;
    const outgoing = request(
      new URL(path, target()),
      { method: incoming.method ?? 'GET', headers: { ...headers, 'content-length': raw.length } },
      async (response) => {
        const body = await collected(response);
        const isGzip = headers['content-encoding'] === 'gzip';
        const status = response.statusCode ?? 0;
        requests.push({
          path,
          mediaType: String(headers['content-type']),
          isGzip,
          raw,
          body: isGzip ? gunzipSync(raw) : raw,
          status,
        });
        answer.writeHead(status, { 'content-type': response.headers['content-type'] ?? '' }).end(body);
      },
    );
    // The exporter sees a connection that breaks, as it would without the proxy.
    outgoing.on('error', () => answer.destroy());
    outgoing.end(raw);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
