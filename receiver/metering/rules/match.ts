/**
 * Which signals are a rule's business: its conditions as one test per kind of signal.
 *
 * The cheapest conditions are asked first, which changes nothing in the answer. What depends on resource and scope
 * alone is asked once per group and remembered with it. Nothing is allocated for a signal that does not match.
 */

import { scaledFromText } from '../../../storage/decimal.ts';
import type { SignalGroup } from '../../otlp/event-signals.ts';
import type { Found } from '../attribute-values.ts';
import type { Literal, MatchNode } from './meter-rule.ts';
import { type Path, parsePath, type SignalType } from './path.ts';
import { type Reader, readerOf, type Subject, textOf } from './read.ts';
import { compilePattern } from './regex.ts';

interface Test {
  holds: (subject: Subject) => boolean;
  ofGroup: boolean;
  cost: number;
}

/** What a condition asks of a value. */
interface Predicate {
  text: (text: string) => boolean;
  value: (value: Found) => boolean;
  /** The answer where there is no value. */
  absent: boolean;
  cost: number;
}

/** @param match checked by {@link MeterRule} */
export function compileMatch(match: MatchNode, signal: SignalType): (subject: Subject) => boolean {
  return compileNode(match, signal).holds;
}

/** The path that a rule names. @throws Error if it is none, which {@link MeterRule} would have refused */
export function pathOf(text: string): Path {
  const path = parsePath(text);
  if ('problem' in path) throw new Error(`path ${JSON.stringify(text)} ${path.problem}`);
  return path;
}

function compileNode(node: MatchNode, signal: SignalType): Test {
  const tests = (nodes: MatchNode[] | undefined) => (nodes ?? []).map((inner) => compileNode(inner, signal));
  const parts: Test[] = [...tests(node.all)];
  if (node.any !== undefined) parts.push(anyOf(tests(node.any)));
  if (node.none !== undefined) parts.push(negated(anyOf(tests(node.none))));
  if (node.path !== undefined) parts.push(condition(readerOf(pathOf(node.path), signal), predicateOf(node)));
  return allOf(parts);
}

function condition(reader: Reader, { text, value, absent, cost }: Predicate): Test {
  const readText = reader.text;
  const readValue = reader.value;
  const holds =
    readText !== null
      ? (subject: Subject) => {
          const found = readText(subject);
          return found === '' ? absent : text(found);
        }
      : (subject: Subject) => {
          const found = readValue(subject);
          if (found === undefined) return absent;
          return found.type === 'string' ? text(found.value) : value(found);
        };
  return { holds, ofGroup: reader.ofGroup, cost: reader.cost + cost };
}

function allOf(tests: Test[]): Test {
  return combined(tests, (tests) => (subject) => {
    for (let i = 0; i < tests.length; i++) if (!tests[i](subject)) return false;
    return true;
  });
}

function anyOf(tests: Test[]): Test {
  return combined(tests, (tests) => (subject) => {
    for (let i = 0; i < tests.length; i++) if (tests[i](subject)) return true;
    return false;
  });
}

function negated({ holds, ofGroup, cost }: Test): Test {
  return { holds: (subject) => !holds(subject), ofGroup, cost };
}

/** Tests under one and/or: what the group alone answers comes first, as one remembered test. */
function combined(
  tests: Test[],
  join: (tests: ((subject: Subject) => boolean)[]) => (subject: Subject) => boolean,
): Test {
  const cost = tests.reduce((sum, test) => sum + test.cost, 0);
  const inOrder = [...tests].sort((a, b) => a.cost - b.cost);
  const ofGroup = inOrder.filter((test) => test.ofGroup).map(({ holds }) => holds);
  const others = inOrder.filter((test) => !test.ofGroup).map(({ holds }) => holds);
  if (others.length === 0) {
    return { holds: ofGroup.length === 1 ? ofGroup[0] : join(ofGroup), ofGroup: true, cost };
  }
  if (ofGroup.length > 0) others.unshift(oncePerGroup(ofGroup.length === 1 ? ofGroup[0] : join(ofGroup)));
  return { holds: others.length === 1 ? others[0] : join(others), ofGroup: false, cost };
}

/** A test whose answer follows from resource and scope, asked once for each group. */
function oncePerGroup(holds: (subject: Subject) => boolean): (subject: Subject) => boolean {
  const answers = new WeakMap<SignalGroup, boolean>();
  // Signals of one group come one after the other.
  let lastGroup: SignalGroup | null = null;
  let lastAnswer = false;
  return (subject) => {
    const { group } = subject;
    if (group === lastGroup) return lastAnswer;
    let answer = answers.get(group);
    if (answer === undefined) {
      answer = holds(subject);
      answers.set(group, answer);
    }
    lastGroup = group;
    lastAnswer = answer;
    return answer;
  };
}

function predicateOf(node: MatchNode): Predicate {
  if (node.eq !== undefined) return isLiteral(node.eq);
  if (node.notEq !== undefined) return opposite(isLiteral(node.notEq));
  if (node.in !== undefined) return isOneOf(node.in);
  if (node.regex !== undefined) return hasPattern(node.regex);
  if (node.gt !== undefined) return compares(node.gt, (order) => order > 0);
  if (node.gte !== undefined) return compares(node.gte, (order) => order >= 0);
  if (node.lt !== undefined) return compares(node.lt, (order) => order < 0);
  if (node.lte !== undefined) return compares(node.lte, (order) => order <= 0);
  const exists = node.exists ?? true;
  return { text: () => exists, value: () => exists, absent: !exists, cost: 0 };
}

function opposite({ text, value, absent, cost }: Predicate): Predicate {
  return {
    text: (found) => !text(found),
    value: (found) => !value(found),
    absent: !absent,
    cost,
  };
}

/**
 * A text is compared with the value's text, a number with what is a number or spells one, a boolean with a boolean or
 * its text: what writes a signal often makes a text of everything.
 */
function isLiteral(literal: Literal): Predicate {
  if (typeof literal === 'number') return compares(literal, (order) => order === 0);
  const wanted = String(literal);
  const isText = typeof literal === 'string';
  return {
    text: (text) => text === wanted,
    value: (value) => (isText ? isScalar(value) : value.type === 'bool') && textOf(value) === wanted,
    absent: false,
    cost: 1,
  };
}

function isOneOf(literals: readonly Literal[]): Predicate {
  const texts = new Set(literals.filter((literal) => typeof literal === 'string'));
  const others = literals.filter((literal) => typeof literal !== 'string').map(isLiteral);
  return {
    text: (text) => texts.has(text) || others.some((other) => other.text(text)),
    value: (value) =>
      (isScalar(value) && texts.has(textOf(value))) || others.some((other) => other.value(value)),
    absent: false,
    cost: 2 + others.length,
  };
}

function hasPattern(pattern: string): Predicate {
  const search = compilePattern(pattern);
  if (typeof search !== 'function') throw new Error(`pattern ${JSON.stringify(pattern)} ${search.problem}`);
  return {
    text: search,
    value: (value) => isScalar(value) && search(textOf(value)),
    absent: false,
    cost: 20,
  };
}

function isScalar({ type }: Found): boolean {
  return type === 'int' || type === 'double' || type === 'bool' || type === 'decimal';
}

/** @param accepts given how the value stands to the bound: below 0 less, 0 equal, above 0 more */
function compares(bound: number | string, accepts: (order: number) => boolean): Predicate {
  const scaledBound = scaledFromText(String(bound));
  const number = Number(bound);
  // A bound that a double keeps is compared with integers and doubles as it is: JavaScript compares them exactly.
  const isExact = typeof bound === 'number' || String(number) === bound;
  const compareText = (text: string): boolean => {
    if (scaledBound === null) return false;
    const scaled = scaledFromText(text);
    return scaled !== null && accepts(scaled < scaledBound ? -1 : scaled > scaledBound ? 1 : 0);
  };
  return {
    text: compareText,
    value: (value) => {
      switch (value.type) {
        case 'int':
          if (isExact) return accepts(value.value < number ? -1 : value.value > number ? 1 : 0);
          return compareText(String(value.value));
        case 'double':
          if (Number.isNaN(value.value)) return false;
          if (isExact) return accepts(value.value < number ? -1 : value.value > number ? 1 : 0);
          return compareText(String(value.value));
        case 'decimal':
          return compareText(value.value);
        default:
          return false;
      }
    },
    absent: false,
    cost: 1,
  };
}
