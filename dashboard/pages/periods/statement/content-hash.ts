/** Whether a statement's content is the one that its hash names. */
import type { AnswerOf } from '../../../api/client.ts';

type Statement = AnswerOf<'GET /api/v1/statements/{id}'>;

/** RFC 8785 for texts, whole numbers, booleans and null, which is all that a statement has. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}

/** SHA-256 of the content, 64 hex digits; null where the page came over plain HTTP, which has no cryptography. */
export async function contentHash({
  id: _id,
  hash: _hash,
  reopened: _reopened,
  ...content
}: Statement): Promise<string | null> {
  if (globalThis.crypto?.subtle === undefined) return null;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonical(content)));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
