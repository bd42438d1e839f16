/** Paths as functions that read a signal, each made once per rule and kind of signal. */
import type { EventSignal, LogSignal, SpanSignal } from '../../otlp/event-signals.ts';
import type { AnyValue, Attribute } from '../../otlp/metric-columns.ts';
import { attributeValue, type Found, valueText } from '../attribute-values.ts';
import type { SeriesView } from '../claims.ts';
import { valueInJsonBody } from './json-body.ts';
import { FIELD_SIGNALS, type Path, type PathStep, type SignalType } from './path.ts';

/** What a rule is asked about. */
export type Subject = SeriesView | EventSignal;

/** How to read a path off one kind of signal. */
export interface Reader {
  /** undefined: the path leads nowhere, or to a place without a value. */
  value: (subject: Subject) => Found | undefined;
  /** For fields that are text, so that looking at them makes no object; empty = absent. */
  text: ((subject: Subject) => string) | null;
  /** It reads nothing but resource and scope. */
  ofGroup: boolean;
  /** How dear a look is, roughly in multiples of the cheapest. */
  cost: number;
}

const FREE = 1;
const PER_ATTRIBUTES = 4;
const PER_STEP = 2;
const PER_BODY = 30;

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'].map(textValue);
const STATUS_CODES = ['unset', 'ok', 'error'].map(textValue);
const SEVERITIES = Array.from({ length: 25 }, (_, number) => intValue(number));

/** @returns a reader; of a field that the kind of signal has not, one that finds nothing */
export function readerOf(path: Path, signal: SignalType): Reader {
  const { field, steps } = path;
  if (!FIELD_SIGNALS[field].includes(signal)) {
    return { value: () => undefined, text: null, ofGroup: true, cost: FREE };
  }
  switch (field) {
    case 'resource':
      return attributeReader(({ group }) => group.resourceAttributes, steps, true);
    case 'scope.attributes':
      return attributeReader(({ group }) => group.scopeAttributes, steps, true);
    case 'attributes':
      return attributeReader(({ attributes }) => attributes, steps, false);
    case 'scope.name':
      return textReader(({ group }) => group.scopeName, true);
    case 'scope.version':
      return textReader(({ group }) => group.scopeVersion, true);
    case 'metric.name':
      return textReader((series) => (series as SeriesView).metricName);
    case 'metric.unit':
      return textReader((series) => (series as SeriesView).unit);
    case 'event_name':
      return textReader((log) => (log as LogSignal).eventName);
    case 'severity_text':
      return textReader((log) => (log as LogSignal).severityText);
    case 'severity_number':
      return valueReader((log) => severity((log as LogSignal).severityNumber));
    case 'name':
      return textReader((span) => (span as SpanSignal).name);
    case 'kind':
      return valueReader((span) => named(KINDS, (span as SpanSignal).kind));
    case 'status.code':
      return valueReader((span) => named(STATUS_CODES, (span as SpanSignal).statusCode));
    case 'trace_id':
      return textReader((event) => (event as EventSignal).traceId);
    case 'span_id':
      return textReader((event) => (event as EventSignal).spanId);
    case 'body':
      return {
        value: (log) => bodyValue(log as LogSignal, steps),
        text: null,
        ofGroup: false,
        cost: steps.length === 0 ? FREE : PER_BODY,
      };
  }
}

/** Any value as text: lists and maps as JSON, bytes as base64. */
export function textOf(value: Found): string {
  return value.type === 'decimal' ? value.value : valueText(value);
}

function attributeReader(
  attributesOf: (subject: Subject) => readonly Attribute[],
  steps: readonly PathStep[],
  ofGroup: boolean,
): Reader {
  const [first, ...below] = steps;
  const key = String(first);
  return {
    value:
      below.length === 0
        ? (subject) => present(attributeValue(attributesOf(subject), key))
        : (subject) => valueAt(attributeValue(attributesOf(subject), key), below),
    text: null,
    ofGroup,
    cost: PER_ATTRIBUTES + below.length * PER_STEP,
  };
}

function textReader(text: (subject: Subject) => string, ofGroup = false): Reader {
  return {
    value: (subject) => {
      const found = text(subject);
      return found === '' ? undefined : { type: 'string', value: found };
    },
    text,
    ofGroup,
    cost: FREE,
  };
}

function valueReader(value: (subject: Subject) => Found | undefined): Reader {
  return { value, text: null, ofGroup: false, cost: FREE };
}

function bodyValue(log: LogSignal, steps: readonly PathStep[]): Found | undefined {
  const { body } = log;
  if (steps.length === 0 || body.type !== 'string') return valueAt(body, steps);
  const found = valueInJsonBody(body.value, steps);
  return found?.type === 'empty' ? undefined : found;
}

function valueAt(from: AnyValue | undefined, steps: readonly PathStep[]): AnyValue | undefined {
  let value = from;
  for (const step of steps) {
    if (value?.type === 'map' && typeof step === 'string') value = attributeValue(value.value, step);
    else if (value?.type === 'array' && typeof step === 'number') value = value.value[step];
    else return undefined;
  }
  return present(value);
}

function present(value: AnyValue | undefined): AnyValue | undefined {
  return value?.type === 'empty' ? undefined : value;
}

/** 0 is OTLP's "unspecified". */
function severity(number: number): AnyValue | undefined {
  if (number === 0) return undefined;
  return SEVERITIES[number] ?? intValue(number);
}

/** A number that OTLP does not define is its own digits. */
function named(names: readonly AnyValue[], number: number): AnyValue {
  return names[number] ?? textValue(String(number));
}

function textValue(value: string): AnyValue {
  return { type: 'string', value };
}

function intValue(value: number): AnyValue {
  return { type: 'int', value: BigInt(value) };
}
