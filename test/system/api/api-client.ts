/** Requests to the API of a running receiver, as a script would make them. */

export interface ApiReply {
  status: number;
  headers: Headers;
  /** The parsed body; null where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of an answer is what the test says it is
  body: any;
}

export class ApiClient {
  readonly #url: string;

  /** @param url the receiver's */
  constructor(url: string) {
    this.#url = url;
  }

  get(path: string): Promise<ApiReply> {
    return this.send('GET', path);
  }

  /** @param body a text is sent as it is, all else as JSON */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<ApiReply> {
    return this.send('POST', path, body, headers);
  }

  put(path: string, body: unknown): Promise<ApiReply> {
    return this.send('PUT', path, body);
  }

  delete(path: string): Promise<ApiReply> {
    return this.send('DELETE', path);
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiReply> {
    const isText = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: isText ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : JSON.parse(text),
    };
  }

  /** OTLP as JSON to /v1/metrics, /v1/logs or /v1/traces. @throws Error unless it is taken */
  async otlp(signal: 'metrics' | 'logs' | 'traces', request: object): Promise<void> {
    const response = await fetch(`${this.#url}/v1/${signal}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
    });
    if (response.status !== 200) throw new Error(`${signal}: ${response.status} ${await response.text()}`);
  }

  /** Quantity of a customer in a dimension over all time; "0" where there is none. */
  async quantity(customerId: string, dimensionId: string): Promise<string> {
    const query = new URLSearchParams({ customerId, dimensionId, from: '2000-01-01', to: '2200-01-01' });
    const { status, body } = await this.get(`/usage?${query}`);
    if (status !== 200) throw new Error(`GET /usage: ${status} ${JSON.stringify(body)}`);
    return body.rows[0]?.quantity ?? '0';
  }
}

/** A log record with these attributes, as an OTLP request. */
export function logRequest(
  records: { attributes: Record<string, string | number>; timeUnixNano: bigint }[],
): object {
  return {
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        scopeLogs: [
          {
            scope: { name: 'checkout' },
            logRecords: records.map(({ attributes, timeUnixNano }) => ({
              timeUnixNano: String(timeUnixNano),
              attributes: Object.entries(attributes).map(([key, value]) => ({
                key,
                value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
              })),
            })),
          },
        ],
      },
    ],
  };
}
