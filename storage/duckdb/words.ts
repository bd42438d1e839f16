/** Arithmetic on 64- and 128-bit numbers that lie as little-endian 32-bit words in typed arrays. */

export function read64(words: Uint32Array, row: number): bigint {
  return BigInt(words[row * 2]) | (BigInt(words[row * 2 + 1]) << 32n);
}

export function write64(words: Uint32Array, row: number, value: bigint): void {
  words[row * 2] = Number(value & 0xffffffffn);
  words[row * 2 + 1] = Number((value >> 32n) & 0xffffffffn);
}

/** Copies one 64-bit value. */
export function copy64(from: Uint32Array, fromRow: number, to: Uint32Array, toRow: number): void {
  to[toRow * 2] = from[fromRow * 2];
  to[toRow * 2 + 1] = from[fromRow * 2 + 1];
}

/** Copies one 128-bit value. */
export function copy128(from: Uint32Array, fromRow: number, to: Uint32Array, toRow: number): void {
  const a = fromRow * 4;
  const b = toRow * 4;
  to[b] = from[a];
  to[b + 1] = from[a + 1];
  to[b + 2] = from[a + 2];
  to[b + 3] = from[a + 3];
}

/** The sign of a − b, unsigned 64-bit values. */
export function compare64(a: Uint32Array, aRow: number, b: Uint32Array, bRow: number): number {
  return a[aRow * 2 + 1] - b[bRow * 2 + 1] || a[aRow * 2] - b[bRow * 2];
}

/** The sign of a − b, unsigned 128-bit values (so none that is negative). */
export function compare128(a: Uint32Array, aRow: number, b: Uint32Array, bRow: number): number {
  for (let word = 3; word >= 0; word--) {
    const difference = a[aRow * 4 + word] - b[bRow * 4 + word];
    if (difference !== 0) return difference;
  }
  return 0;
}

/** to = a − b, 128 bits. */
export function subtract128(
  a: Uint32Array,
  aRow: number,
  b: Uint32Array,
  bRow: number,
  to: Uint32Array,
  toRow: number,
): void {
  let borrow = 0;
  for (let word = 0; word < 4; word++) {
    const difference = a[aRow * 4 + word] - b[bRow * 4 + word] - borrow;
    to[toRow * 4 + word] = difference >>> 0;
    borrow = difference < 0 ? 1 : 0;
  }
}
