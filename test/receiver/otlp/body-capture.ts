/** A server that keeps the bodies of OTLP requests, so that tests decode what real exporters write. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface BodyCapture extends AsyncDisposable {
  url: string;
  /** Inflated, by media type, in the order of their coming. */
  bodies(mediaType: string): Uint8Array[];
}

export async function startBodyCapture(): Promise<BodyCapture> {
  const requests: { mediaType: string | undefined; body: Uint8Array }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    requests.push({
      mediaType: request.headers['content-type'],
      body: request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body,
    });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies: (mediaType) =>
      requests.filter((request) => request.mediaType === mediaType).map(({ body }) => body),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
