/**
 * A keep-alive connection that writes prepared requests one after the other: as little work per request as possible,
 * because the driver shares the machine with what it measures.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

interface Reply {
  status: number;
  retryAfterSeconds: number;
}

export class HttpConnection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #received = '';
  #settle: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined;
  /** Replies of 503, after which the request was sent again. */
  refused = 0;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host: this.#host, port: this.#port, noDelay: true }, resolve);
      socket.setEncoding('latin1');
      socket.on('data', (text) => this.#onData(String(text)));
      const onEnd = (error?: Error) => {
        const broken = error ?? new Error('the receiver closed the connection');
        reject(broken);
        this.#settle?.reject(broken);
      };
      socket.on('error', onEnd);
      socket.on('close', () => onEnd());
      this.#socket = socket;
    });
  }

  /** Resolves when the request was acknowledged. @throws Error on any answer but 200 and 503 */
  async send(bytes: Buffer): Promise<void> {
    for (;;) {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.#settle = { resolve, reject };
        this.#socket?.write(bytes);
      });
      if (reply.status === 200) return;
      if (reply.status !== 503) throw new Error(`the receiver answered ${reply.status}`);
      this.refused++;
      await sleep(reply.retryAfterSeconds * 1000);
    }
  }

  close(): void {
    this.#settle = undefined;
    this.#socket?.removeAllListeners();
    this.#socket?.destroy();
  }

  #onData(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.slice(0, headEnd + 2))?.[1];
    if (length === undefined) {
      this.#settle?.reject(new Error(`a reply without Content-Length: ${this.#received.slice(0, 500)}`));
      return;
    }
    if (this.#received.length < headEnd + 4 + Number(length)) return;
    const status = Number(this.#received.slice(9, 12));
    const retryAfter = /\r\nretry-after: *(\d+)/i.exec(this.#received.slice(0, headEnd + 2))?.[1];
    this.#received = '';
    this.#settle?.resolve({ status, retryAfterSeconds: Number(retryAfter ?? 1) });
  }
}
