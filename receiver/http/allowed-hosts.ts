/**
 * Whether a receiver without API keys may answer a request, by the host that it was sent to. (Pure.)
 *
 * Such a receiver listens on loopback only, and yet every page that somebody on this machine visits can reach it: the
 * page's own name is made to resolve to 127.0.0.1 (DNS rebinding), and the browser takes both for one origin. What
 * remains of the page in the request is its name. See docs/decisions/0012-host-check.md.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { z } from 'zod';

/** Longest name that DNS has. */
const MAX_NAME_LENGTH = 253;
const NAME = /^\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** An entry of `allowedHosts`: a name, or with a dot before it that name and all below it. */
export const AllowedHost = z
  .string()
  .max(MAX_NAME_LENGTH)
  .transform((text) => text.toLowerCase().replace(/(?<=.)\.$/, ''))
  .refine((text) => NAME.test(text), {
    error:
      'must be a host name without scheme and port, such as usage.example.com, or .example.com for all below it',
  });

export class AllowedHosts {
  readonly #names: ReadonlySet<string>;
  /** Each begins with its dot. */
  readonly #endings: readonly string[];

  /** @param entries of {@link AllowedHost} */
  constructor(entries: readonly string[]) {
    this.#names = new Set(['localhost', ...entries.map((entry) => entry.replace(/^\./, ''))]);
    this.#endings = ['.localhost', ...entries.filter((entry) => entry.startsWith('.'))];
  }

  /**
   * The host, as allowedHosts would name it, for which a request must be refused, or null where it may be answered. An
   * address is nobody's name: no page comes from it unless its server is there. Without any host a request is no browser's.
   */
  foreignHost(request: Pick<IncomingMessage, 'url' | 'headersDistinct'>): string | null {
    const hosts = [...(request.headersDistinct.host ?? [])];
    const target = authorityOf(request.url ?? '');
    if (target !== null) hosts.push(target);
    const foreign = hosts.find((host) => host !== '' && !this.#isAllowed(host));
    return foreign === undefined ? null : (hostName(foreign) ?? foreign);
  }

  #isAllowed(host: string): boolean {
    const name = hostName(host);
    if (name === null) return false;
    return isIP(name) !== 0 || this.#names.has(name) || this.#endings.some((ending) => name.endsWith(ending));
  }
}

/**
 * Whether a browser's page may have sent it. Browsers say `Origin` with everything but GET and HEAD, from whatever page,
 * and no page can leave it out; exporters never do. A GET of a page to its own origin has nothing that tells.
 * https://fetch.spec.whatwg.org/#append-a-request-origin-header
 */
export function mayBeOfPage({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  return headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
}

/** In lower case, without port, brackets and the dot of the root; null where it is no host. */
function hostName(host: string): string | null {
  const found = /^(?:\[([0-9a-f:.]+)\]|([^[\]:@/?#\\\s]+?)\.?)(?::\d*)?$/i.exec(host);
  return found === null ? null : (found[1] ?? found[2]).toLowerCase();
}

/** Of a target in absolute form, as proxies get it, the part that is to be taken for Host. */
function authorityOf(target: string): string | null {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1] ?? null;
}
