/**
 * The last requests that were to bring usage and were refused, in memory: for people who ask why nothing arrives. Never
 * what they carried, and of an API key only whether there was one.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv4 } from 'node:net';

/** Requests that are remembered. */
export const REFUSED_LIMIT = 50;
/** Texts of whoever asks are cut: nobody can fill memory with them. */
const MOST_CHARACTERS = 200;

export interface RefusedRequest {
  /** RFC 3339 in UTC. */
  time: string;
  method: string;
  /** Without its query, which may hold what is nobody's business. */
  path: string;
  status: number;
  /** What was wrong, as problems of the API call it. */
  code: string;
  contentType: string | null;
  /** The program, as it calls itself. */
  userAgent: string | null;
  /** Whether it came with an API key, and a right one. `not_needed`: this receiver has none. */
  apiKey: 'valid' | 'wrong' | 'missing' | 'not_needed';
  /** From where: this machine, a private network, or beyond. */
  remote: 'loopback' | 'private' | 'public';
}

const CODES: Readonly<Record<number, string>> = {
  400: 'INVALID_BODY',
  401: 'UNAUTHENTICATED',
  403: 'HOST_NOT_ALLOWED',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  409: 'CONFLICT',
  413: 'TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  503: 'UNAVAILABLE',
};

export class RefusedRequests {
  readonly #ring: RefusedRequest[] = [];

  /**
   * Remembers a request that was answered, if it was to bring usage and was refused.
   * @param path as it came, before any route cut it
   */
  note(
    request: IncomingMessage,
    {
      path,
      status,
      apiKey,
      at,
    }: { path: string; status: number; apiKey: RefusedRequest['apiKey']; at: Date },
  ): void {
    const method = request.method ?? '';
    const bare = path.split('?', 1)[0];
    if (status < 400 || !isToBringUsage(method, bare, status)) return;
    const header = (name: 'content-type' | 'user-agent') =>
      request.headers[name]?.slice(0, MOST_CHARACTERS) ?? null;
    this.#ring.push({
      time: at.toISOString(),
      method: method.slice(0, MOST_CHARACTERS),
      path: bare.slice(0, MOST_CHARACTERS),
      status,
      code: CODES[status] ?? (status < 500 ? 'REFUSED' : 'INTERNAL'),
      contentType: header('content-type'),
      userAgent: header('user-agent'),
      apiKey,
      remote: remoteKind(request.socket.remoteAddress),
    });
    if (this.#ring.length > REFUSED_LIMIT) this.#ring.shift();
  }

  /** The newest first. */
  list(): RefusedRequest[] {
    return this.#ring.toReversed();
  }
}

/** A wrong path is known by what it is not: whoever writes to where nothing is wanted to write somewhere. */
function isToBringUsage(method: string, path: string, status: number): boolean {
  if (path === '/v1' || path.startsWith('/v1/')) return true;
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return false;
  return path === '/api/v1/usage' || status === 404 || !path.startsWith('/api/');
}

const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  PRIVATE.addSubnet(network, prefix);
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

/** @param address as sockets tell it: IPv4 may come as ::ffff:10.0.0.1 */
export function remoteKind(address: string | undefined): RefusedRequest['remote'] {
  const bare = (address ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  if (bare === '::1' || bare.startsWith('127.')) return 'loopback';
  if (bare === '') return 'public';
  return PRIVATE.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6') ? 'private' : 'public';
}
