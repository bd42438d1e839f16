/** API keys: who may talk to the receiver at all. Scopes and management come later. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { LOCAL_ACTOR } from '../actor.ts';

/** Hex digits of a key's hash by which the audit log names it: enough to tell keys apart, nothing to guess one by. */
const ACTOR_DIGITS = 8;

/** Compares in constant time, by digests, so that neither a key's content nor its length shows. */
export class ApiKeys {
  readonly #digests: Buffer[];

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digest);
  }

  /** Without a key every request is let through: such a receiver listens on loopback only. */
  get required(): boolean {
    return this.#digests.length > 0;
  }

  /** @param authorization the header's value, `Bearer KEY` */
  allows(authorization: string | undefined): boolean {
    if (!this.required) return true;
    const given = digestOf(authorization);
    if (given === null) return false;
    let allowed = false;
    for (const known of this.#digests) allowed = timingSafeEqual(known, given) || allowed;
    return allowed;
  }

  /** What is with the key of a request. */
  judge(authorization: string | undefined): 'valid' | 'wrong' | 'missing' | 'not_needed' {
    if (!this.required) return 'not_needed';
    if (authorization === undefined) return 'missing';
    return this.allows(authorization) ? 'valid' : 'wrong';
  }

  /** Whom the audit log names for a request that was allowed: `key:` and the begin of the key's SHA-256, or `local`. */
  actorOf(authorization: string | undefined): string {
    const given = this.required ? digestOf(authorization) : null;
    return given === null ? LOCAL_ACTOR : `key:${given.toString('hex').slice(0, ACTOR_DIGITS)}`;
  }
}

function digestOf(authorization: string | undefined): Buffer | null {
  const match = /^Bearer +(\S+) *$/i.exec(authorization ?? '');
  return match === null ? null : digest(match[1]);
}

/** 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  if (isIP(bare) === 4) return bare.startsWith('127.');
  return bare.startsWith('::ffff:127.') && isIP(bare) === 6;
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
