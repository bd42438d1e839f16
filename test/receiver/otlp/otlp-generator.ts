/** Random OTLP requests as trees of protobuf fields, their bytes, and ways to damage both. */

/** A seeded generator of numbers (mulberry32), so that a run can be repeated. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * bound);
  }

  /** True one time in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** A field: varint (bigint), fixed (8 or 4 bytes), length-delimited (bytes or fields) or a group of fields. */
export interface Field {
  number: number;
  wire: 0 | 1 | 2 | 3 | 5;
  value: bigint | Uint8Array | Field[];
  /** Added to the length that is written in front of length-delimited content. */
  lengthError?: number;
}

const utf8 = new TextEncoder();

export const varint = (number: number, value: bigint): Field => ({ number, wire: 0, value });
export const bytes = (number: number, value: Uint8Array): Field => ({ number, wire: 2, value });
export const text = (number: number, value: string): Field => bytes(number, utf8.encode(value));
export const message = (number: number, value: Field[]): Field => ({ number, wire: 2, value });
export const fixed64 = (number: number, value: bigint): Field => {
  const content = new Uint8Array(8);
  new DataView(content.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return { number, wire: 1, value: content };
};
export const fixed32 = (number: number, value: number): Field => {
  const content = new Uint8Array(4);
  new DataView(content.buffer).setUint32(0, value, true);
  return { number, wire: 5, value: content };
};
export const double = (number: number, value: number): Field => {
  const content = new Uint8Array(8);
  new DataView(content.buffer).setFloat64(0, value, true);
  return { number, wire: 1, value: content };
};

const STRINGS = [
  '',
  'a',
  'usage.api',
  'Zürich',
  '東京',
  '🦆',
  'a\u0000b',
  '\ufeffbom',
  'x'.repeat(130),
  '1',
  '\u07ff\u0800\uffff',
];
const DOUBLES = [0, -0, 1, 0.1, -2.5, 1e-320, 1.7976931348623157e308, NaN, Infinity, -Infinity, 2 ** 53];
const INTEGERS = [
  0n,
  1n,
  -1n,
  127n,
  128n,
  300n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const UNSIGNED = [
  0n,
  1n,
  127n,
  128n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n + 1n,
  1_700_000_000_123_456_789n,
  2n ** 64n - 1n,
];

export type Signal = 'metrics' | 'logs' | 'traces';

const RECORDS: Record<Signal, (random: Random) => Field[]> = {
  metrics: metric,
  logs: logRecord,
  traces: span,
};

/** A valid request. Fields stand in any order, and may be written by a sloppy writer (see {@link encode}). */
export function randomRequest(random: Random, signal: Signal): Field[] {
  return some(random, 3, () => message(1, resourceGroup(random, RECORDS[signal])));
}

function resourceGroup(random: Random, record: (random: Random) => Field[]): Field[] {
  return mixed(random, [
    ...maybe(random, () => message(1, resource(random))),
    ...some(random, 3, () => message(2, scopeGroup(random, record))),
    ...rarely(random, () => text(3, random.pick(STRINGS))),
  ]);
}

function resource(random: Random): Field[] {
  return mixed(random, [
    ...some(random, 4, () => message(1, keyValue(random, 0))),
    ...rarely(random, () => varint(2, 7n)),
    ...rarely(random, () =>
      message(
        3,
        some(random, 4, () => text(1 + random.below(4), random.pick(STRINGS))),
      ),
    ),
  ]);
}

function scopeGroup(random: Random, record: (random: Random) => Field[]): Field[] {
  const scope = () =>
    mixed(random, [
      ...maybe(random, () => text(1, random.pick(STRINGS))),
      ...maybe(random, () => text(2, random.pick(STRINGS))),
      ...some(random, 2, () => message(3, keyValue(random, 0))),
      ...rarely(random, () => varint(4, 7n)),
    ]);
  return mixed(random, [
    ...maybe(random, () => message(1, scope())),
    ...some(random, 3, () => message(2, record(random))),
    ...rarely(random, () => text(3, random.pick(STRINGS))),
  ]);
}

function logRecord(random: Random): Field[] {
  return mixed(random, [
    ...maybe(random, () => fixed64(1, random.pick(UNSIGNED))),
    ...maybe(random, () => varint(2, random.pick([0n, 1n, 9n, 24n, 25n, -1n]))),
    ...maybe(random, () => text(3, random.pick(STRINGS))),
    ...maybe(random, () => message(5, anyValue(random, 0))),
    ...some(random, 4, () => message(6, keyValue(random, 0))),
    ...rarely(random, () => varint(7, random.pick(UNSIGNED))),
    ...maybe(random, () => fixed32(8, random.below(2 ** 32))),
    ...maybe(random, () => id(random, 9, 16)),
    ...maybe(random, () => id(random, 10, 8)),
    ...maybe(random, () => fixed64(11, random.pick(UNSIGNED))),
    ...maybe(random, () => text(12, random.pick(STRINGS))),
  ]);
}

function span(random: Random): Field[] {
  return mixed(random, [
    ...maybe(random, () => id(random, 1, 16)),
    ...maybe(random, () => id(random, 2, 8)),
    ...rarely(random, () => text(3, random.pick(STRINGS))),
    ...maybe(random, () => id(random, 4, 8)),
    ...maybe(random, () => text(5, random.pick(STRINGS))),
    ...maybe(random, () => varint(6, random.pick([0n, 1n, 5n, 6n, -1n]))),
    ...maybe(random, () => fixed64(7, random.pick(UNSIGNED))),
    ...maybe(random, () => fixed64(8, random.pick(UNSIGNED))),
    ...some(random, 4, () => message(9, keyValue(random, 0))),
    ...rarely(random, () => varint(10, random.pick(UNSIGNED))),
    ...some(random, 2, () => message(11, spanEvent(random))),
    ...rarely(random, () => varint(12, random.pick(UNSIGNED))),
    ...some(random, 2, () => message(13, spanLink(random))),
    ...rarely(random, () => varint(14, random.pick(UNSIGNED))),
    ...maybe(random, () => message(15, spanStatus(random))),
    ...maybe(random, () => fixed32(16, random.below(2 ** 32))),
  ]);
}

function spanEvent(random: Random): Field[] {
  return mixed(random, [
    ...maybe(random, () => fixed64(1, random.pick(UNSIGNED))),
    ...maybe(random, () => text(2, random.pick(STRINGS))),
    ...some(random, 2, () => message(3, keyValue(random, 0))),
    ...rarely(random, () => varint(4, random.pick(UNSIGNED))),
  ]);
}

function spanLink(random: Random): Field[] {
  return mixed(random, [
    ...maybe(random, () => id(random, 1, 16)),
    ...maybe(random, () => id(random, 2, 8)),
    ...rarely(random, () => text(3, random.pick(STRINGS))),
    ...some(random, 2, () => message(4, keyValue(random, 0))),
    ...rarely(random, () => varint(5, random.pick(UNSIGNED))),
    ...maybe(random, () => fixed32(6, random.below(2 ** 32))),
  ]);
}

function spanStatus(random: Random): Field[] {
  return mixed(random, [
    ...maybe(random, () => text(2, random.pick(STRINGS))),
    ...maybe(random, () => varint(3, random.pick([0n, 1n, 2n, 3n, -1n]))),
  ]);
}

/** Mostly of so many bytes; sometimes all zero, sometimes of another length. */
function id(random: Random, number: number, length: number): Field {
  const content = new Uint8Array(random.oneIn(8) ? random.below(2 * length) : length);
  return bytes(number, random.oneIn(8) ? content : content.map(() => random.below(256)));
}

function metric(random: Random): Field[] {
  return mixed(random, [
    ...maybe(random, () => text(1, random.pick(STRINGS))),
    ...rarely(random, () => text(2, random.pick(STRINGS))),
    ...maybe(random, () => text(3, random.pick(STRINGS))),
    message(...data(random)),
    ...rarely(random, () => message(12, keyValue(random, 0))),
  ]);
}

function data(random: Random): [number, Field[]] {
  const temporality = () => [
    ...maybe(random, () => varint(2, random.pick([0n, 1n, 2n, 3n, -1n]))),
    ...rarely(random, () => varint(2, 1n)),
  ];
  switch (random.below(8)) {
    case 0:
      return [5, some(random, 4, () => message(1, numberPoint(random)))];
    case 1: {
      const points = some(random, 3, () => message(1, distributionPoint(random, 9, 10, histogramFields)));
      return [9, mixed(random, [...points, ...temporality()])];
    }
    case 2: {
      const points = some(random, 3, () => message(1, distributionPoint(random, 1, 10, exponentialFields)));
      return [10, mixed(random, [...points, ...temporality()])];
    }
    case 3:
      return [11, some(random, 3, () => message(1, distributionPoint(random, 7, 8, summaryFields)))];
    default: {
      const points = some(random, 5, () => message(1, numberPoint(random)));
      const monotonic = maybe(random, () => varint(3, random.pick([0n, 1n])));
      return [7, mixed(random, [...points, ...temporality(), ...monotonic])];
    }
  }
}

function numberPoint(random: Random): Field[] {
  const fields = [
    ...maybe(random, () => fixed64(2, random.pick(UNSIGNED))),
    ...maybe(random, () => fixed64(3, random.pick(UNSIGNED))),
    ...maybe(random, () =>
      random.oneIn(2) ? double(4, random.pick(DOUBLES)) : fixed64(6, random.pick(INTEGERS)),
    ),
    ...rarely(random, () => message(5, exemplar(random))),
    ...some(random, 4, () => message(7, keyValue(random, 0))),
    ...rarely(random, () => varint(8, random.pick([0n, 1n, 2n ** 32n - 1n]))),
  ];
  return mixed(random, fields);
}

function distributionPoint(
  random: Random,
  attributes: number,
  flags: number,
  others: (random: Random) => Field[],
): Field[] {
  return mixed(random, [
    ...some(random, 3, () => message(attributes, keyValue(random, 0))),
    ...maybe(random, () => fixed64(2, random.pick(UNSIGNED))),
    ...maybe(random, () => fixed64(3, random.pick(UNSIGNED))),
    ...maybe(random, () => fixed64(4, random.pick(UNSIGNED))),
    ...maybe(random, () => double(5, random.pick(DOUBLES))),
    ...rarely(random, () => varint(flags, 1n)),
    ...others(random),
  ]);
}

function histogramFields(random: Random): Field[] {
  return [
    // Unpacked and packed.
    ...some(random, 2, () => fixed64(6, random.pick(UNSIGNED))),
    ...rarely(random, () => bytes(6, new Uint8Array(8 * random.below(4)))),
    ...some(random, 2, () => double(7, random.pick(DOUBLES))),
    ...rarely(random, () => bytes(7, new Uint8Array(8 * random.below(4)))),
    ...rarely(random, () => message(8, exemplar(random))),
    ...rarely(random, () => double(11 + random.below(2), random.pick(DOUBLES))),
  ];
}

function exponentialFields(random: Random): Field[] {
  const buckets = () => [
    ...maybe(random, () => varint(1, 5n)),
    ...some(random, 2, () => varint(2, random.pick(UNSIGNED))),
    ...maybe(random, () => bytes(2, new Uint8Array([1, 0x80, 1, 0xff, 0xff, 3]))),
  ];
  return [
    ...maybe(random, () => varint(6, 3n)),
    ...maybe(random, () => fixed64(7, random.pick(UNSIGNED))),
    ...maybe(random, () => message(8, buckets())),
    ...rarely(random, () => message(9, buckets())),
    ...rarely(random, () => message(11, exemplar(random))),
    ...rarely(random, () => double(12 + random.below(3), random.pick(DOUBLES))),
  ];
}

function summaryFields(random: Random): Field[] {
  return some(random, 3, () => message(6, [double(1, 0.5), double(2, random.pick(DOUBLES))]));
}

function exemplar(random: Random): Field[] {
  return mixed(random, [
    ...maybe(random, () => fixed64(2, random.pick(UNSIGNED))),
    ...maybe(random, () =>
      random.oneIn(2) ? double(3, random.pick(DOUBLES)) : fixed64(6, random.pick(INTEGERS)),
    ),
    ...maybe(random, () => bytes(4, new Uint8Array(8))),
    ...maybe(random, () => bytes(5, new Uint8Array(16))),
    ...some(random, 2, () => message(7, keyValue(random, 0))),
  ]);
}

function keyValue(random: Random, level: number): Field[] {
  return mixed(random, [
    ...maybe(random, () => text(1, random.pick(STRINGS))),
    ...maybe(random, () => message(2, anyValue(random, level))),
  ]);
}

function anyValue(random: Random, level: number): Field[] {
  switch (random.below(level < 4 ? 12 : 7)) {
    case 0:
      return [];
    case 1:
      return [varint(2, random.pick([0n, 1n]))];
    case 2:
      return [varint(3, random.pick(INTEGERS))];
    case 3:
      return [double(4, random.pick(DOUBLES))];
    case 4:
      return [bytes(7, new Uint8Array([0, 255, random.below(256)]).slice(0, random.below(4)))];
    case 7:
      return [
        message(
          5,
          some(random, 3, () => message(1, anyValue(random, level + 1))),
        ),
      ];
    case 8:
      return [
        message(
          6,
          some(random, 3, () => message(1, keyValue(random, level + 1))),
        ),
      ];
    default:
      return [text(1, random.pick(STRINGS))];
  }
}

function maybe(random: Random, make: () => Field): Field[] {
  return random.oneIn(4) ? [] : [make()];
}

function rarely(random: Random, make: () => Field): Field[] {
  return random.oneIn(6) ? [make()] : [];
}

function some(random: Random, most: number, make: () => Field): Field[] {
  return Array.from({ length: random.below(most + 1) }, make);
}

/** Mostly as they are, as writers keep an order; sometimes shuffled. */
function mixed(random: Random, fields: Field[]): Field[] {
  if (!random.oneIn(4)) return fields;
  for (let i = fields.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [fields[i], fields[other]] = [fields[other], fields[i]];
  }
  return fields;
}

/**
 * The bytes of a tree.
 * @param sloppy writes some varints longer than they need be, which any reader must accept
 */
export function encode(fields: Field[], sloppy?: Random): Uint8Array {
  const out: number[] = [];
  writeFields(out, fields, sloppy);
  return Uint8Array.from(out);
}

function writeFields(out: number[], fields: Field[], sloppy: Random | undefined): void {
  for (const { number, wire, value, lengthError = 0 } of fields) {
    writeVarint(out, BigInt(number * 8 + wire), sloppy, 5);
    if (typeof value === 'bigint') writeVarint(out, BigInt.asUintN(64, value), sloppy, 10);
    else if (wire === 2) {
      const content = value instanceof Uint8Array ? value : encode(value, sloppy);
      writeVarint(out, BigInt(Math.max(0, content.length + lengthError)), sloppy, 5);
      for (const byte of content) out.push(byte);
    } else if (value instanceof Uint8Array) {
      for (const byte of value) out.push(byte);
    } else {
      writeFields(out, value, sloppy);
      writeVarint(out, BigInt(number * 8 + 4), sloppy, 5);
    }
  }
}

function writeVarint(out: number[], value: bigint, sloppy: Random | undefined, most: number): void {
  const start = out.length;
  let rest = value;
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  if (sloppy === undefined || !sloppy.oneIn(40)) return;
  // One byte beyond what is allowed now and then.
  const longer = 1 + sloppy.below(most + (sloppy.oneIn(10) ? 1 : 0));
  while (out.length - start < longer) {
    out[out.length - 1] |= 0x80;
    out.push(0);
  }
}

/** Changes the structure of a tree in place: what is left is well-formed, but perhaps no request any more. */
export function mutateTree(random: Random, fields: Field[]): void {
  const lists = [fields];
  for (const list of lists) for (const field of list) if (Array.isArray(field.value)) lists.push(field.value);
  for (let times = 1 + random.below(4); times > 0; times--) {
    const list = random.pick(lists);
    const other = random.pick(lists);
    const place = random.below(list.length + 1);
    const field = list[Math.min(place, list.length - 1)] as Field | undefined;
    switch (random.below(13)) {
      case 0: // a field twice, not side by side
        if (field !== undefined) list.splice(random.below(list.length + 1), 0, structuredClone(field));
        break;
      case 1: // a field of another message
        if (other.length > 0) list.splice(place, 0, structuredClone(random.pick(other)));
        break;
      case 2:
        if (field !== undefined) list.splice(list.indexOf(field), 1);
        break;
      case 3: // another field number
        if (field !== undefined)
          field.number = random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 536870911]);
        break;
      case 4: // another wire type
        if (field !== undefined) Object.assign(field, { number: field.number }, anyContent(random));
        break;
      case 5: // an unknown field
        list.splice(place, 0, { number: 13 + random.below(2000), ...anyContent(random) });
        break;
      case 6: // a group around what was there
        list.splice(place, 0, {
          number: 1 + random.below(20),
          wire: 3,
          value: structuredClone(random.pick(lists)),
        });
        break;
      case 7: // nested groups or messages, about as deep as allowed
        list.splice(place, 0, random.oneIn(2) ? deepGroup(random) : deepValue(random));
        break;
      case 8: // a string that is not UTF-8
        if (field?.value instanceof Uint8Array && field.wire === 2) {
          const spoiled = Uint8Array.from([...field.value, ...random.pick(NOT_UTF8)]);
          field.value = spoiled;
        }
        break;
      case 9: // a message that is cut, with a neighbour that would make up for it if somebody read on
        if (Array.isArray(field?.value) && field.wire === 2) {
          const cut = 2 + random.below(8);
          field.value = encode(field.value).slice(0, -cut);
          list.splice(list.indexOf(field) + 1, 0, bytes(15, new Uint8Array(cut - 2)));
        }
        break;
      case 10: // a message that takes in what stands behind it, or leaves it something of its own
        if (Array.isArray(field?.value) && field.wire === 2) field.lengthError = random.below(13) - 6;
        break;
      default: // the oneof's other member, or a scalar again
        if (field !== undefined) {
          const again = structuredClone(field);
          again.number = random.pick([again.number, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 15]);
          list.splice(place, 0, again);
        }
    }
  }
}

const NOT_UTF8 = [
  [0x80],
  [0xc0, 0x80],
  [0xc3],
  [0xe0, 0x9f, 0xbf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
];

function anyContent(random: Random): Pick<Field, 'wire' | 'value'> {
  switch (random.below(6)) {
    case 0:
      return { wire: 0, value: random.pick(UNSIGNED) };
    case 1:
      return { wire: 1, value: new Uint8Array(8).fill(random.below(256)) };
    case 2:
      return { wire: 2, value: new Uint8Array(random.below(20)).fill(random.below(256)) };
    case 3:
      return { wire: 5, value: new Uint8Array(4).fill(random.below(256)) };
    case 4:
      return { wire: 2, value: [varint(1, 1n)] };
    default:
      return { wire: 3, value: [varint(1 + random.below(20), 1n), text(2, 'a')] };
  }
}

function deepGroup(random: Random): Field {
  let field: Field = varint(1, 1n);
  for (let level = 90 + random.below(14); level > 0; level--) field = { number: 19, wire: 3, value: [field] };
  return field;
}

/** A KeyValue of arrays within arrays, two levels each. */
function deepValue(random: Random): Field {
  let value: Field[] = [];
  for (let level = 44 + random.below(6); level > 0; level--) value = [message(5, [message(1, value)])];
  return message(random.pick([1, 3, 4, 6, 7, 9]), [text(1, 'deep'), message(2, value)]);
}

/** Damages bytes: flips, cuts, splices, removals and insertions. */
export function mutateBytes(random: Random, body: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes = Array.from(body);
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(7)) {
      case 0:
        if (at < bytes.length) bytes[at] ^= 1 << random.below(8);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = [...bytes.slice(0, at), ...other.slice(random.below(other.length + 1))];
        break;
      case 4:
        bytes.splice(at, 1 + random.below(3));
        break;
      case 5:
        bytes.splice(at, 0, random.below(256));
        break;
      default:
        bytes.splice(at, 0, ...bytes.slice(at, at + random.below(20)));
    }
  }
  return Uint8Array.from(bytes);
}
