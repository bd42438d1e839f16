/**
 * Reads units of measure: a subset of UCUM in its case-sensitive form, which is what OpenTelemetry asks for.
 * docs/units.md lists what is known.
 *
 * https://ucum.org/ucum, https://opentelemetry.io/docs/specs/semconv/general/metrics/#instrument-units
 */

/** A unit as a multiple of base units; the factor is positive, in lowest terms. */
export interface Unit {
  numerator: bigint;
  denominator: bigint;
  /** Exponents of the base units, sorted: "bit1 s-1". Units convert where these are equal. */
  dimension: string;
}

/** Nobody writes longer units; those that come from the network are opaque. */
export const MAX_UNIT_LENGTH = 128;
/** Bounds the numbers that text from the network can make: a factor's numerator and denominator have fewer bits. */
export const MAX_FACTOR_BITS = 640;

const FACTOR_LIMIT = 1n << BigInt(MAX_FACTOR_BITS);
const MAX_EXPONENT = 99;

/** Powers of ten. https://ucum.org/ucum#section-Prefixes */
const DECIMAL_PREFIXES: [symbol: string, power: number][] = [
  ['Y', 24],
  ['Z', 21],
  ['E', 18],
  ['P', 15],
  ['T', 12],
  ['G', 9],
  ['M', 6],
  ['k', 3],
  ['h', 2],
  ['da', 1],
  ['d', -1],
  ['c', -2],
  ['m', -3],
  ['u', -6],
  ['n', -9],
  ['p', -12],
  ['f', -15],
  ['a', -18],
  ['z', -21],
  ['y', -24],
];

/** 2^10, 2^20, … UCUM stops at Ti; Pi and Ei are IEC 80000-13's. Other than in UCUM they are for data alone. */
const BINARY_PREFIXES = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Whether an atom takes prefixes: none, decimal ones, or decimal and binary ones. */
type Prefixes = 'none' | 'decimal' | 'data';

/**
 * An atom without a definition is a base.
 *
 * Other than in UCUM, a bit is a base and not the number 1, so that bytes never become counts; a mole is a base and
 * not a number of particles; degrees Celsius are a base, since a factor cannot move their zero to that of kelvin.
 */
const ATOMS: [symbol: string, prefixes: Prefixes, definition: string | null][] = [
  ['10*', 'none', '10'],
  ['10^', 'none', '10'],
  ['%', 'none', '1/100'],
  ['[ppth]', 'none', '1/1000'],
  ['[ppm]', 'none', '1/1000000'],
  ['[ppb]', 'none', '1/1000000000'],
  ['[pptr]', 'none', '1/1000000000000'],
  ['bit', 'data', null],
  ['By', 'data', '8.bit'],
  ['s', 'decimal', null],
  ['min', 'none', '60.s'],
  ['h', 'none', '60.min'],
  ['d', 'none', '24.h'],
  ['wk', 'none', '7.d'],
  // The Julian year, and the twelfth part of it: neither is a year or a month of the calendar.
  ['a', 'none', '1461/4.d'],
  ['mo', 'none', 'a/12'],
  ['Hz', 'decimal', 's-1'],
  ['m', 'decimal', null],
  ['g', 'decimal', null],
  ['C', 'decimal', null],
  ['K', 'decimal', null],
  ['Cel', 'decimal', null],
  ['cd', 'decimal', null],
  ['mol', 'decimal', null],
  ['rad', 'decimal', null],
  ['l', 'decimal', 'dm3'],
  ['L', 'decimal', 'dm3'],
  ['N', 'decimal', 'kg.m/s2'],
  ['Pa', 'decimal', 'N/m2'],
  ['J', 'decimal', 'N.m'],
  ['W', 'decimal', 'J/s'],
  ['A', 'decimal', 'C/s'],
  ['V', 'decimal', 'J/C'],
];

interface Factor {
  numerator: bigint;
  denominator: bigint;
  exponents: Map<string, number>;
}

const TEN: Factor = { numerator: 10n, denominator: 1n, exponents: new Map() };
const KIBI: Factor = { numerator: 1024n, denominator: 1n, exponents: new Map() };

class UnitFault extends Error {}

/**
 * Reads text by UCUM's grammar: components with exponents, joined by "." and "/" from left to right, parentheses,
 * annotations in braces. The exponent "2" is of the atom in "s2" as in "kBy2": of prefix and atom together.
 */
class UnitReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @throws UnitFault */
  read(): Factor {
    const unit = this.#term();
    if (this.#at < this.#text.length) throw new UnitFault(`unexpected "${this.#rest()}"`);
    return unit;
  }

  #term(): Factor {
    // "A leading solidus will invert the unit that directly follows it": /s.By is By/s. https://ucum.org/ucum §7 ■3
    const isInverse = this.#at === 0 && this.#skip('/');
    let unit = times(one(), this.#component(), isInverse ? -1 : 1);
    for (;;) {
      if (this.#skip('.')) unit = times(unit, this.#component(), 1);
      else if (this.#skip('/')) unit = times(unit, this.#component(), -1);
      else return unit;
    }
  }

  #component(): Factor {
    if (this.#skip('(')) {
      const unit = this.#term();
      if (!this.#skip(')')) throw new UnitFault('a parenthesis is not closed');
      return unit;
    }
    const unit = this.#text[this.#at] === '{' ? one() : this.#annotatable();
    if (this.#skip('{')) {
      const end = this.#text.indexOf('}', this.#at);
      if (end < 0) throw new UnitFault('a brace is not closed');
      if (this.#text.slice(this.#at, end).includes('{')) throw new UnitFault('braces within braces');
      this.#at = end + 1;
    }
    return unit;
  }

  #annotatable(): Factor {
    // 10* and 10^ begin like a number.
    const number = /^(?!10[*^])\d+/.exec(this.#rest());
    if (number !== null) {
      this.#at += number[0].length;
      const value = BigInt(number[0]);
      if (value === 0n) throw new UnitFault('0 is no unit');
      return bounded({ numerator: value, denominator: 1n, exponents: new Map() });
    }
    const symbol = /^(?:10[*^]|%|(?:[A-Za-z]|\[[^\][]*\])+)/.exec(this.#rest())?.[0];
    if (symbol === undefined) {
      const rest = this.#rest();
      throw new UnitFault(rest === '' ? 'it ends too early' : `unexpected "${rest}"`);
    }
    this.#at += symbol.length;
    const unit = atomFactor(symbol);
    if (unit === null) throw new UnitFault(`"${symbol}" is unknown`);
    const exponent = /^[+-]?\d+/.exec(this.#rest());
    if (exponent === null) return unit;
    this.#at += exponent[0].length;
    const power = Number(exponent[0]);
    if (Math.abs(power) > MAX_EXPONENT) throw new UnitFault(`the exponent ${exponent[0]} is too large`);
    return times(one(), unit, power);
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #rest(): string {
    return this.#text.slice(this.#at);
  }
}

const atoms = new Map<string, { prefixes: Prefixes; factor: Factor }>();
for (const [symbol, prefixes, definition] of ATOMS) {
  const base = { numerator: 1n, denominator: 1n, exponents: new Map([[symbol, 1]]) };
  atoms.set(symbol, { prefixes, factor: definition === null ? base : new UnitReader(definition).read() });
}

/** @returns the unit, or what is wrong with the text. Empty text is the unit 1. */
export function readUnit(text: string): Unit | string {
  try {
    const factor = text === '' ? one() : new UnitReader(text).read();
    const dimension = [...factor.exponents]
      .filter(([, exponent]) => exponent !== 0)
      .map(([base, exponent]) => `${base}${exponent}`)
      .sort()
      .join(' ');
    return { ...lowestTerms(factor.numerator, factor.denominator), dimension };
  } catch (error) {
    if (error instanceof UnitFault) return error.message;
    throw error;
  }
}

/** A symbol that is an atom is that atom; else its beginning may be a prefix: "min" are minutes, "Pa" pascals. */
function atomFactor(symbol: string): Factor | null {
  const atom = atoms.get(symbol);
  if (atom !== undefined) return atom.factor;
  for (const [prefix, power] of DECIMAL_PREFIXES) {
    if (!symbol.startsWith(prefix)) continue;
    const prefixed = atoms.get(symbol.slice(prefix.length));
    if (prefixed === undefined || prefixed.prefixes === 'none') continue;
    return times(times(one(), TEN, power), prefixed.factor, 1);
  }
  const binary = BINARY_PREFIXES.indexOf(symbol.slice(0, 2));
  const data = atoms.get(symbol.slice(2));
  if (binary < 0 || data?.prefixes !== 'data') return null;
  return times(times(one(), KIBI, binary + 1), data.factor, 1);
}

function one(): Factor {
  return { numerator: 1n, denominator: 1n, exponents: new Map() };
}

/** unit × other^power */
function times(unit: Factor, other: Factor, power: number): Factor {
  const exponents = new Map(unit.exponents);
  for (const [base, exponent] of other.exponents) {
    exponents.set(base, (exponents.get(base) ?? 0) + exponent * power);
  }
  const size = BigInt(Math.abs(power));
  const up = power < 0 ? other.denominator : other.numerator;
  const down = power < 0 ? other.numerator : other.denominator;
  return bounded({
    numerator: unit.numerator * up ** size,
    denominator: unit.denominator * down ** size,
    exponents,
  });
}

function bounded(factor: Factor): Factor {
  if (factor.numerator >= FACTOR_LIMIT || factor.denominator >= FACTOR_LIMIT) {
    throw new UnitFault('its factor is too large');
  }
  return factor;
}

/** The same fraction with the smallest numbers; both are positive. */
export function lowestTerms(
  numerator: bigint,
  denominator: bigint,
): { numerator: bigint; denominator: bigint } {
  let divisor = numerator;
  for (let rest = denominator; rest !== 0n; ) [divisor, rest] = [rest, divisor % rest];
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** What people write for a unit, most of it from Prometheus, and what it is in UCUM. */
const SPELLINGS: [written: RegExp, unit: string][] = [
  [/^bytes?$/i, 'By'],
  [/^bits?$/i, 'bit'],
  [/^(ns|nsecs?|nanos(ec(ond)?s?)?)$/i, 'ns'],
  [/^(us|µs|μs|usecs?|micros(ec(ond)?s?)?)$/i, 'us'],
  [/^(ms|msecs?|millis(ec(ond)?s?)?)$/i, 'ms'],
  [/^(s|secs?|seconds?)$/i, 's'],
  [/^(mins?|minutes?)$/i, 'min'],
  [/^(h|hrs?|hours?)$/i, 'h'],
  [/^(d|days?)$/i, 'd'],
  [/^(wk|weeks?)$/i, 'wk'],
  [/^(mo|months?)$/i, 'mo'],
  [/^(yr|years?)$/i, 'a'],
  [/^percent$/i, '%'],
  [/^(ratio|count|total|number|none|units?)$/i, '1'],
  [/^celsius$/i, 'Cel'],
  [/^met(er|re)s?$/i, 'm'],
  [/^grams?$/i, 'g'],
  [/^watts?$/i, 'W'],
  [/^joules?$/i, 'J'],
  [/^volts?$/i, 'V'],
  [/^amperes?$/i, 'A'],
  [/^kwh$/i, 'kW.h'],
];

/** @returns what text that is no unit was probably meant to be, or null */
export function intendedUnit(text: string): string | null {
  const spelling = SPELLINGS.find(([written]) => written.test(text));
  if (spelling !== undefined) return spelling[1];
  const bytes = /^([KMGTPE]i|[kKMGTPE])?B$/.exec(text);
  if (bytes !== null) return `${bytes[1] === 'K' ? 'k' : (bytes[1] ?? '')}By`;
  const bits = /^([KMGTPE]i|[kKMGTPE])?b$/.exec(text);
  if (bits !== null) return `${bits[1] === 'K' ? 'k' : (bits[1] ?? '')}bit`;
  const data = /^([KMGTPE]i|[kKMGTPE])?B([.-]?)h$/.exec(text);
  if (data !== null) return `${data[1] === 'K' ? 'k' : (data[1] ?? '')}By.h`;
  // Anything countable: a quotient of it keeps its other part.
  const counted = /^([A-Za-z][A-Za-z_-]*)(\/.+)?$/.exec(text);
  if (counted === null) return null;
  const annotated = `{${counted[1]}}${counted[2] ?? ''}`;
  return typeof readUnit(annotated) === 'string' ? null : annotated;
}
