/** Reads OTLP's JSON: protobuf's JSON mapping as OTLP narrows it, shared by metrics, logs and traces. */
import { EMPTY } from './key-values.ts';
import { type AnyValue, type Attribute, DecodeError, TooManySignalsError } from './metric-columns.ts';
import { NESTING_LIMIT } from './wire-reader.ts';

export type JsonObject = { [name: string]: unknown };

/**
 * Parses a body and reads it.
 *
 * Names are in lowerCamelCase or as in the .proto file, null is absent, unknown names are ignored, 64-bit integers are
 * strings or bare numbers (exact beyond 2^53 too), enums are numbers or names. A name that comes twice in an object
 * holds its last value; both spellings of a name, or two members of a oneof, are refused.
 * @param read is called again, with integers beyond 2^53 as bigints and `exact`, where the first reading met one
 * @throws DecodeError naming the path
 */
export function readJson<Result>(body: Uint8Array, read: (value: unknown, exact: boolean) => Result): Result {
  const text = readUtf8(body);
  checkNesting(body);
  try {
    return read(parse(text), false);
  } catch (error) {
    if (error !== IMPRECISE) throw error;
    return read(parse(text, keepIntegers), true);
  }
}

/** Thrown where an integer field holds a number that JSON.parse may have rounded: parse again, keeping the digits. */
const IMPRECISE = Symbol('a number beyond 2^53');

// A message within a message costs at most two JSON levels (array and object). The exact limit is kept where
// attributes are read; this one keeps JSON.parse from filling the memory with brackets.
const BRACKET_LIMIT = 2 * NESTING_LIMIT + 2;

// Levels of nesting, as in protobuf.
export const RESOURCE_ATTRIBUTE_DEPTH = 3;
export const SCOPE_ATTRIBUTE_DEPTH = 4;

/** The members of an AnyValue's oneof, by both spellings. */
const MEMBERS: ReadonlyMap<string, AnyValue['type'] | 'index'> = new Map([
  ['stringValue', 'string'],
  ['string_value', 'string'],
  ['boolValue', 'bool'],
  ['bool_value', 'bool'],
  ['intValue', 'int'],
  ['int_value', 'int'],
  ['doubleValue', 'double'],
  ['double_value', 'double'],
  ['arrayValue', 'array'],
  ['array_value', 'array'],
  ['kvlistValue', 'map'],
  ['kvlist_value', 'map'],
  ['bytesValue', 'bytes'],
  ['bytes_value', 'bytes'],
  ['stringValueStrindex', 'index'],
  ['string_value_strindex', 'index'],
]);

/** Fields and values of a parsed body, with the place where we are for messages. */
export class JsonReader {
  /** Names and indexes of where we are. */
  protected readonly path: (string | number)[] = [];
  /** Integers beyond 2^53 came as bigint. */
  private readonly exact: boolean;
  private readonly mostObjects: number;
  private objects = 0;

  /** @param mostObjects attributes, values and whatever else {@link countObject} is told of that may be read */
  constructor(exact: boolean, mostObjects = Number.POSITIVE_INFINITY) {
    this.exact = exact;
    this.mostObjects = mostObjects;
  }

  // What all signals have.

  /** The attributes of the resource of a ResourceMetrics, ResourceLogs or ResourceSpans. */
  protected resourceAttributes(group: JsonObject): Attribute[] {
    const value = group.resource;
    if (value === undefined || value === null) return [];
    this.path.push('resource');
    const resource = this.object(value);
    const attributes = this.attributes('attributes', resource.attributes, RESOURCE_ATTRIBUTE_DEPTH);
    this.uint32Field(
      'droppedAttributesCount',
      this.either(resource.droppedAttributesCount, resource.dropped_attributes_count),
    );
    this.each('entityRefs', this.either(resource.entityRefs, resource.entity_refs), (item) =>
      this.entityRef(item),
    );
    this.path.pop();
    return attributes;
  }

  private entityRef(value: unknown): void {
    const ref = this.object(value);
    this.textField('schemaUrl', this.either(ref.schemaUrl, ref.schema_url));
    this.textField('type', ref.type);
    this.each('idKeys', this.either(ref.idKeys, ref.id_keys), (key) => this.text(key));
    this.each('descriptionKeys', this.either(ref.descriptionKeys, ref.description_keys), (key) =>
      this.text(key),
    );
  }

  /** The scope of a ScopeMetrics, ScopeLogs or ScopeSpans. */
  protected scope(group: JsonObject): { name: string; version: string; attributes: Attribute[] } {
    this.path.push('scope');
    const scope = this.optionalObject(group.scope) ?? {};
    const name = this.textField('name', scope.name);
    const version = this.textField('version', scope.version);
    const attributes = this.attributes('attributes', scope.attributes, SCOPE_ATTRIBUTE_DEPTH);
    this.uint32Field(
      'droppedAttributesCount',
      this.either(scope.droppedAttributesCount, scope.dropped_attributes_count),
    );
    this.path.pop();
    return { name, version, attributes };
  }

  // Attributes.

  /**
   * The attributes of a message; none where absent.
   * @param depth the level of the KeyValues
   */
  protected attributes(name: string, value: unknown, depth: number): Attribute[] {
    if (value === undefined || value === null) return [];
    this.path.push(name);
    const attributes = this.keyValues(value, depth);
    this.path.pop();
    return attributes;
  }

  private keyValues(value: unknown, depth: number): Attribute[] {
    const items = this.array(value);
    if (items.length > 0 && depth > NESTING_LIMIT) this.tooDeep();
    const attributes: Attribute[] = [];
    const { path } = this;
    for (let i = 0; i < items.length; i++) {
      this.countObject();
      path.push(i);
      const pair = this.object(items[i]);
      const key = this.textField('key', pair.key);
      attributes.push({ key, value: this.anyValue('value', pair.value, depth + 1) });
      path.pop();
    }
    return attributes;
  }

  /** The AnyValue at level `depth`; empty where absent. */
  protected anyValue(name: string, value: unknown, depth: number): AnyValue {
    if (value === undefined || value === null) return EMPTY;
    this.path.push(name);
    const any = this.presentValue(value, depth);
    this.path.pop();
    return any;
  }

  private presentValue(value: unknown, depth: number): AnyValue {
    if (depth > NESTING_LIMIT) this.tooDeep();
    const any = this.object(value);
    let member = '';
    // By what is there, not by what might be: there is one name, and sixteen that it might be.
    for (const name in any) {
      const offered = MEMBERS.get(name);
      if (offered === undefined || any[name] === null) continue;
      if (member !== '') this.fail(`expected one value (got ${member} and ${name})`);
      member = name;
    }
    if (member === '') return EMPTY;
    this.path.push(member);
    const read = this.member(member, any[member], depth);
    this.path.pop();
    return read;
  }

  private member(name: string, content: unknown, depth: number): AnyValue {
    switch (MEMBERS.get(name)) {
      case 'string':
        return { type: 'string', value: this.text(content) };
      case 'bool':
        return { type: 'bool', value: this.bool(content) };
      case 'int':
        return {
          type: 'int',
          value: BigInt(this.integer(content, INT64_MIN, INT64_MAX, 'a 64-bit integer')),
        };
      case 'double':
        return { type: 'double', value: this.double(content) };
      case 'array': {
        const items = this.listValues(content, depth);
        const values: AnyValue[] = [];
        for (let i = 0; i < items.length; i++) {
          this.countObject();
          this.path.push('values', i);
          values.push(this.presentValue(items[i], depth + 2));
          this.path.length -= 2;
        }
        return { type: 'array', value: values };
      }
      case 'map': {
        const items = this.listValues(content, depth);
        this.path.push('values');
        const entries = this.keyValues(items, depth + 2);
        this.path.pop();
        return { type: 'map', value: entries };
      }
      case 'bytes':
        return { type: 'bytes', value: this.base64(content) };
      default:
        // An index into a table that only profiles have means nothing here: the value stays empty.
        this.integer(content, INT32_MIN, INT32_MAX, 'a 32-bit integer');
        return EMPTY;
    }
  }

  /** The `values` of an ArrayValue or KeyValueList that stands in an AnyValue at level `depth`. */
  private listValues(content: unknown, depth: number): unknown[] {
    if (depth + 1 > NESTING_LIMIT) this.tooDeep();
    const values = this.object(content).values;
    return values === undefined || values === null ? [] : this.array(values);
  }

  /** Takes one object from what the request may hold. @throws TooManySignalsError */
  protected countObject(): void {
    if (++this.objects > this.mostObjects) {
      throw new TooManySignalsError(this.mostObjects, 'attributes, values, span events and links');
    }
  }

  private tooDeep(): never {
    return this.fail(`more than ${NESTING_LIMIT} levels of nesting`);
  }

  // Fields by name: absent and null are the default.

  protected textField(name: string, value: unknown): string {
    if (value === undefined || value === null) return '';
    this.path.push(name);
    const text = this.text(value);
    this.path.pop();
    return text;
  }

  protected boolField(name: string, value: unknown): boolean {
    if (value === undefined || value === null) return false;
    this.path.push(name);
    const bool = this.bool(value);
    this.path.pop();
    return bool;
  }

  protected doubleField(name: string, value: unknown): void {
    if (value === undefined || value === null) return;
    this.path.push(name);
    this.double(value);
    this.path.pop();
  }

  protected uint32Field(name: string, value: unknown): number {
    if (value === undefined || value === null) return 0;
    this.path.push(name);
    const number = Number(this.integer(value, 0n, UINT32_MAX, 'an unsigned 32-bit integer'));
    this.path.pop();
    return number;
  }

  protected int32Field(name: string, value: unknown): void {
    if (value === undefined || value === null) return;
    this.path.push(name);
    this.integer(value, INT32_MIN, INT32_MAX, 'a 32-bit integer');
    this.path.pop();
  }

  protected uint64Field(name: string, value: unknown): bigint {
    if (value === undefined || value === null) return 0n;
    // As almost all writers write times.
    if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value);
    this.path.push(name);
    const integer = this.integer(value, 0n, UINT64_MAX, 'an unsigned 64-bit integer');
    this.path.pop();
    return BigInt(integer);
  }

  /** An enum by number or name; numbers without a name too. */
  protected enumField(name: string, value: unknown, numbers: ReadonlyMap<string, number>): number {
    if (value === undefined || value === null) return 0;
    this.path.push(name);
    const number =
      typeof value === 'string'
        ? (numbers.get(value) ??
          this.fail(`expected one of ${[...numbers.keys()].join(', ')} or a number (got ${show(value)})`))
        : Number(this.integer(value, INT32_MIN, INT32_MAX, 'a 32-bit integer'));
    this.path.pop();
    return number;
  }

  /**
   * A trace or span id of so many bytes: hex, as OTLP has it where protobuf's mapping would be base64. All zero is
   * none.
   * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
   */
  protected idField(name: string, value: unknown, bytes: number): string {
    if (value === undefined || value === null || value === '') return '';
    if (typeof value !== 'string' || value.length !== 2 * bytes || !HEX.test(value)) {
      this.path.push(name);
      this.fail(`expected ${2 * bytes} hex digits (got ${show(value)})`);
    }
    return ALL_ZERO.test(value) ? '' : value.toLowerCase();
  }

  protected each(name: string, value: unknown, visit: (item: unknown) => void): void {
    if (value === undefined || value === null) return;
    this.path.push(name);
    const items = this.array(value);
    const place = this.path.push(0) - 1;
    for (let i = 0; i < items.length; i++) {
      this.path[place] = i;
      visit(items[i]);
    }
    this.path.length -= 2;
  }

  /** A field by its two spellings. */
  protected either(camelCase: unknown, snakeCase: unknown): unknown {
    if (snakeCase === undefined) return camelCase;
    if (camelCase === undefined || camelCase === null) return snakeCase;
    if (snakeCase === null) return camelCase;
    return this.fail('a field comes in both spellings, lowerCamelCase and snake_case');
  }

  // Values.

  protected object(value: unknown): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.fail(`expected an object (got ${show(value)})`);
    }
    return value as JsonObject;
  }

  protected optionalObject(value: unknown): JsonObject | undefined {
    return value === undefined || value === null ? undefined : this.object(value);
  }

  protected array(value: unknown): unknown[] {
    return Array.isArray(value) ? value : this.fail(`expected an array (got ${show(value)})`);
  }

  protected text(value: unknown): string {
    if (typeof value !== 'string') return this.fail(`expected a string (got ${show(value)})`);
    // JSON can spell half of a surrogate pair; UTF-8, and so OTLP, cannot.
    if (!value.isWellFormed()) this.fail('expected valid Unicode (got a lone surrogate)');
    return value;
  }

  protected bool(value: unknown): boolean {
    return typeof value === 'boolean' ? value : this.fail(`expected true or false (got ${show(value)})`);
  }

  protected double(value: unknown): number {
    let number: number | undefined;
    if (typeof value === 'number') number = value;
    else if (typeof value === 'bigint') number = Number(value);
    else if (value === 'NaN') return NaN;
    else if (value === 'Infinity') return Infinity;
    else if (value === '-Infinity') return -Infinity;
    else if (typeof value === 'string' && NUMBER.test(value)) number = Number(value);
    if (number === undefined) return this.fail(`expected a number (got ${show(value)})`);
    // JSON.parse makes 1e999 infinite; infinity has a spelling of its own.
    if (!Number.isFinite(number)) this.fail('expected a number within the range of a double');
    return number;
  }

  /** An exact integer: a number where it is safe, else a bigint. */
  protected integer(value: unknown, min: bigint, max: bigint, expectation: string): number | bigint {
    let integer: number | bigint | null = null;
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) integer = value;
      else if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
        if (!this.exact) throw IMPRECISE;
        this.fail(
          `expected ${expectation} (got a number that is too large to be exact; write it as a string)`,
        );
      }
    } else if (typeof value === 'string') {
      integer = integerFromText(value);
    } else if (typeof value === 'bigint') {
      integer = value;
    }
    if (integer === null || integer < min || integer > max) {
      return this.fail(`expected ${expectation} (got ${show(value)})`);
    }
    return integer;
  }

  protected base64(value: unknown): Uint8Array {
    if (typeof value !== 'string' || !BASE64.test(value) || value.replace(/=+$/, '').length % 4 === 1) {
      return this.fail(`expected base64 (got ${show(value)})`);
    }
    // No Buffer, so that both encodings give the same.
    return new Uint8Array(Buffer.from(value, 'base64'));
  }

  protected fail(what: string): never {
    let where = '';
    for (const step of this.path) {
      where += typeof step === 'number' ? `[${step}]` : where === '' ? step : `.${step}`;
    }
    throw new DecodeError(where === '' ? `JSON: ${what}` : `JSON: ${where}: ${what}`);
  }
}

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const UINT32_MAX = 2n ** 32n - 1n;
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;
export const UINT64_MAX = 2n ** 64n - 1n;

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
// The standard and the URL-safe alphabet, padded or not.
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const HEX = /^[0-9A-Fa-f]*$/;
const ALL_ZERO = /^0*$/;

/** An integer in decimal, also with a fraction of zeros or an exponent; null if it is none, or none of 64 bits. */
function integerFromText(text: string): number | bigint | null {
  if (/^-?\d{1,15}$/.test(text)) return Number(text) + 0;
  if (/^-?\d{16,20}$/.test(text)) return BigInt(text);
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  // value = digits × 10^power, without zeros at either end
  const leading = (whole + fraction).replace(/^0+/, '');
  const digits = leading.replace(/0+$/, '');
  if (digits === '') return 0;
  const power = Number(exponent) - fraction.length + (leading.length - digits.length);
  if (power < 0 || digits.length + power > 20) return null;
  return BigInt(sign + digits) * 10n ** BigInt(power);
}

function readUtf8(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new DecodeError('JSON: the body is not UTF-8');
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parse(
  text: string,
  reviver?: (key: string, value: unknown, context?: { source: string }) => unknown,
) {
  try {
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as unknown;
  } catch (error) {
    throw new DecodeError(`JSON: ${(error as Error).message}`);
  }
}

/** Keeps the integers that a double cannot hold; without the source text (before Node 22) they stay as they are. */
function keepIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  const integer = context?.source === undefined ? null : integerFromText(context.source);
  return integer === null ? value : BigInt(integer);
}

/** Refuses brackets within brackets beyond the limit, without trusting that the text is JSON. */
function checkNesting(body: Uint8Array): void {
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === 0x22) {
      at++;
      while (at < body.length && body[at] !== 0x22) at += body[at] === 0x5c ? 2 : 1;
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > BRACKET_LIMIT) throw new DecodeError(`JSON: more than ${BRACKET_LIMIT} nested brackets`);
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
}

/** What came, short enough for a message. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
