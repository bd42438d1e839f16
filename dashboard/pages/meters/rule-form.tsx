/** The common parts of a rule as a form. What it does not show stays as it stands in the text. */
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { Button, IconButton } from '../../kit/button.tsx';
import { CheckField } from '../../kit/check-field.tsx';
import { Field, Input, TextField } from '../../kit/field.tsx';
import { Select } from '../../kit/select.tsx';
import { hasKey, PLACE_LABELS, type PlaceKind, pathOf, placeOf, placesOf } from './places.ts';
import styles from './rule-form.module.css';
import type { Problem } from './rule-source.tsx';
import type { Rule } from './rule-text.ts';

export interface RuleFormProps {
  rule: Rule;
  onRule: (rule: Rule) => void;
  problems: readonly Problem[];
  /** The id is not known yet. */
  isNew: boolean;
}

type Fields = Record<string, unknown>;

const SIGNALS = [
  ['metrics', 'Metrics'],
  ['logs', 'Logs'],
  ['spans', 'Spans'],
] as const;

export function RuleForm({ rule, onRule, problems, isNew }: RuleFormProps): ReactNode {
  const set = (key: string, value: unknown): void => {
    const { [key]: _before, ...rest } = rule;
    // What is there keeps its place.
    if (value === undefined) onRule(rest);
    else onRule({ ...rule, [key]: value });
  };
  /** The field's own, or of what is in it. */
  const errorAt = (path: string): string | undefined => {
    const found = problems.find(
      (each) =>
        each.path === path || (/^[.[]/.test(each.path.slice(path.length)) && each.path.startsWith(path)),
    );
    return found?.message;
  };
  const signals = Array.isArray(rule.signals) ? rule.signals.filter((each) => typeof each === 'string') : [];
  return (
    <div className={styles.form}>
      <div className={styles.pair}>
        {isNew && (
          <TextField
            label="Meter ID"
            value={textOf(rule.id)}
            onValue={(id) => set('id', id)}
            error={errorAt('id')}
            help="Letters, digits, dots and dashes. It stays."
            autoFocus
          />
        )}
        <TextField
          label="Name"
          value={textOf(rule.name)}
          onValue={(name) => set('name', name || undefined)}
          error={errorAt('name')}
        />
      </div>
      <fieldset className={styles.group}>
        <legend>Signals</legend>
        <div className={styles.signals}>
          {SIGNALS.map(([signal, label]) => (
            <CheckField
              key={signal}
              label={label}
              checked={signals.includes(signal)}
              onChecked={(checked) =>
                set(
                  'signals',
                  SIGNALS.map(([each]) => each).filter((each) =>
                    each === signal ? checked : signals.includes(each),
                  ),
                )
              }
            />
          ))}
        </div>
        <Fault message={errorAt('signals')} />
      </fieldset>
      <Conditions
        match={isFields(rule.match) ? rule.match : {}}
        onMatch={(match) => set('match', match)}
        kinds={placesOf(signals)}
        problems={problems}
      />
      <PlaceField
        label="Customer from"
        path={rule.customer}
        onPath={(path) => set('customer', path)}
        kinds={placesOf(signals)}
        error={errorAt('customer')}
      />
      <DimensionField
        dimension={rule.dimension}
        onDimension={(dimension) => set('dimension', dimension)}
        error={errorAt('dimension')}
      />
      <ValueField
        rule={rule}
        signals={signals}
        onValue={(value) => set('value', value)}
        error={errorAt('value')}
      />
      <div className={styles.pair}>
        <TextField
          label="Unit of the value"
          value={textOf(rule.unit)}
          onValue={(unit) => set('unit', unit || undefined)}
          error={errorAt('unit')}
          placeholder="the signal’s own"
          help="UCUM. It converts to the dimension’s."
        />
        <MetadataKept
          metadata={rule.metadata}
          onMetadata={(metadata) => set('metadata', metadata)}
          error={errorAt('metadata')}
        />
      </div>
      <CheckField
        label="Enabled"
        help="Otherwise it claims nothing."
        checked={rule.enabled !== false}
        onChecked={(enabled) => set('enabled', enabled ? undefined : false)}
      />
    </div>
  );
}

function Fault({ message }: { message: string | undefined }): ReactNode {
  return message === undefined ? null : <p className={styles.fault}>{message}</p>;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

/** What the form has no field for. */
function InText({ value }: { value: unknown }): ReactNode {
  return (
    <p className={styles.inText}>
      <code>{JSON.stringify(value)}</code> Change it in the text.
    </p>
  );
}

interface PlaceInputProps {
  /** Said of both parts. */
  label: string;
  path: string;
  onPath: (path: string) => void;
  kinds: readonly PlaceKind[];
}

function PlaceInput({ label, path, onPath, kinds }: PlaceInputProps): ReactNode {
  const place = placeOf(path);
  const offered = kinds.includes(place.kind) ? kinds : [...kinds, place.kind];
  return (
    <div className={styles.place} data-keyed={hasKey(place.kind) || undefined}>
      <Select
        label={`${label}: where`}
        value={place.kind}
        onValue={(kind) => onPath(pathOf({ kind, key: hasKey(kind) && hasKey(place.kind) ? place.key : '' }))}
        options={offered.map((value) => ({ value, label: PLACE_LABELS[value] }))}
      />
      {hasKey(place.kind) && (
        <Input
          aria-label={`${label}: ${place.kind === 'path' ? 'path' : 'key'}`}
          placeholder={place.kind === 'body' ? 'user.id' : place.kind === 'path' ? 'path' : 'key'}
          value={place.key}
          onValue={(key) => onPath(pathOf({ kind: place.kind, key }))}
        />
      )}
    </div>
  );
}

function PlaceField({
  label,
  path,
  onPath,
  kinds,
  error,
}: {
  label: string;
  path: unknown;
  onPath: (path: string) => void;
  kinds: readonly PlaceKind[];
  error: string | undefined;
}): ReactNode {
  return (
    <fieldset className={styles.group}>
      <legend>{label}</legend>
      {path === undefined || typeof path === 'string' ? (
        <PlaceInput label={label} path={path ?? 'attributes[""]'} onPath={onPath} kinds={kinds} />
      ) : (
        <InText value={path} />
      )}
      <Fault message={error} />
    </fieldset>
  );
}

const OPERATORS = {
  eq: 'is',
  notEq: 'is not',
  in: 'is one of',
  regex: 'matches',
  exists: 'is there',
  gt: '>',
  gte: '≥',
  lt: '<',
  lte: '≤',
} as const;
type Operator = keyof typeof OPERATORS;
const OPERATOR_NAMES = Object.keys(OPERATORS) as Operator[];

function Conditions({
  match,
  onMatch,
  kinds,
  problems,
}: {
  match: Fields;
  onMatch: (match: Fields) => void;
  kinds: readonly PlaceKind[];
  problems: readonly Problem[];
}): ReactNode {
  const all: unknown[] = Array.isArray(match.all) ? match.all : [];
  const { all: _all, ...others } = match;
  const setAll = (next: unknown[]): void => onMatch(next.length === 0 ? others : { ...match, all: next });
  return (
    <fieldset className={styles.group}>
      <legend>Where all of these hold</legend>
      {all.map((condition, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: conditions have no other name
        <div key={index} className={styles.condition}>
          {isFields(condition) && typeof condition.path === 'string' ? (
            <Condition
              label={`Condition ${index + 1}`}
              condition={condition}
              onCondition={(next) => setAll(all.map((each, at) => (at === index ? next : each)))}
              kinds={kinds}
            />
          ) : (
            <InText value={condition} />
          )}
          <IconButton
            label={`Remove condition ${index + 1}`}
            icon="close"
            onClick={() => setAll(all.filter((_each, at) => at !== index))}
          />
          <Fault message={problems.find(({ path }) => path.startsWith(`match.all[${index}]`))?.message} />
        </div>
      ))}
      <Button icon="plus" onClick={() => setAll([...all, { path: kinds[0] ?? 'attributes[""]', eq: '' }])}>
        Add condition
      </Button>
      {Object.keys(others).length > 0 && <InText value={others} />}
      <Fault message={problems.find(({ path }) => path === 'match')?.message} />
    </fieldset>
  );
}

function Condition({
  label,
  condition,
  onCondition,
  kinds,
}: {
  label: string;
  condition: Fields;
  onCondition: (condition: Fields) => void;
  kinds: readonly PlaceKind[];
}): ReactNode {
  const operator = OPERATOR_NAMES.find((name) => condition[name] !== undefined) ?? 'eq';
  const value = condition[operator];
  const path = String(condition.path);
  const say = (name: Operator, text: string): void => {
    const list = text.split(',').map((each) => each.trim());
    onCondition({ path, [name]: name === 'exists' ? text !== 'false' : name === 'in' ? list : text });
  };
  const shown = Array.isArray(value) ? value.join(', ') : textOf(value);
  return (
    <div className={styles.parts}>
      <PlaceInput
        label={label}
        path={path}
        onPath={(next) => onCondition({ ...condition, path: next })}
        kinds={kinds}
      />
      <Select
        label={`${label}: how`}
        value={operator}
        onValue={(name) => say(name, name === 'exists' || operator === 'exists' ? '' : shown)}
        options={OPERATOR_NAMES.map((name) => ({ value: name, label: OPERATORS[name] }))}
      />
      {operator === 'exists' ? (
        <Select
          label={`${label}: whether`}
          value={value === false ? 'false' : 'true'}
          onValue={(text) => say('exists', text)}
          options={[
            { value: 'true', label: 'yes' },
            { value: 'false', label: 'no' },
          ]}
        />
      ) : (
        <Input
          aria-label={`${label}: value`}
          placeholder={operator === 'in' ? 'one, other' : 'value'}
          value={shown}
          onValue={(text) => say(operator, text)}
        />
      )}
    </div>
  );
}

function DimensionField({
  dimension,
  onDimension,
  error,
}: {
  dimension: unknown;
  onDimension: (dimension: string) => void;
  error: string | undefined;
}): ReactNode {
  const typed = typeof dimension === 'string' ? dimension : '';
  const known = useAnswer(
    'GET /api/v1/dimensions',
    { query: { limit: 20, ...(typed === '' ? {} : { q: typed.slice(0, 200) }) } },
    { keepPrevious: true },
  );
  if (dimension !== undefined && typeof dimension !== 'string')
    return (
      <fieldset className={styles.group}>
        <legend>Dimension</legend>
        <InText value={dimension} />
        <Fault message={error} />
      </fieldset>
    );
  return (
    <>
      <TextField
        label="Dimension"
        value={typed}
        onValue={onDimension}
        error={error}
        list="known-dimensions"
        help="What is billed. One that nobody declared is discovered with the first usage."
      />
      <datalist id="known-dimensions">
        {known.data?.rows.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </datalist>
    </>
  );
}

function ValueField({
  rule,
  signals,
  onValue,
  error,
}: {
  rule: Rule;
  signals: readonly string[];
  onValue: (value: unknown) => void;
  error: string | undefined;
}): ReactNode {
  const { value } = rule;
  const hasMetrics = signals.includes('metrics');
  const kind =
    typeof value === 'string'
      ? value
      : isFields(value)
        ? value.constant !== undefined
          ? 'constant'
          : typeof value.path === 'string'
            ? 'path'
            : 'text'
        : 'default';
  const options = [
    { value: 'default', label: hasMetrics ? 'The metric’s own value' : '1 for each signal' },
    ...(hasMetrics
      ? [
          { value: 'count', label: 'Count of a histogram' },
          { value: 'sum', label: 'Sum of a histogram' },
        ]
      : [{ value: 'path', label: 'Read from the signal' }]),
    ...(signals.join() === 'spans' ? [{ value: 'duration', label: 'The span’s duration' }] : []),
    { value: 'constant', label: 'The same for each signal' },
  ];
  const choose = (next: string): void => {
    if (next === 'default') onValue(undefined);
    else if (next === 'constant') onValue({ constant: '1' });
    else onValue(next === 'path' ? { path: 'attributes[""]' } : next);
  };
  return (
    <fieldset className={styles.group}>
      <legend>How much</legend>
      <div className={styles.parts}>
        <Select
          label="How much"
          value={kind}
          onValue={choose}
          options={
            options.some((each) => each.value === kind) ? options : [...options, { value: kind, label: kind }]
          }
        />
        {kind === 'constant' && isFields(value) && (
          <Input
            aria-label="Constant"
            inputMode="decimal"
            value={textOf(value.constant)}
            onValue={(constant) => onValue({ constant })}
          />
        )}
        {kind === 'path' && isFields(value) && (
          <PlaceInput
            label="Value"
            path={String(value.path)}
            onPath={(path) => onValue({ ...value, path })}
            kinds={placesOf(signals)}
          />
        )}
      </div>
      {kind === 'text' && <InText value={value} />}
      <Fault message={error} />
    </fieldset>
  );
}

function MetadataKept({
  metadata,
  onMetadata,
  error,
}: {
  metadata: unknown;
  onMetadata: (metadata: unknown) => void;
  error: string | undefined;
}): ReactNode {
  const isList = metadata === undefined || Array.isArray(metadata);
  const [typed, setTyped] = useState(Array.isArray(metadata) ? metadata.join(', ') : '');
  if (!isList)
    return (
      <Field label="Metadata kept">
        <InText value={metadata} />
      </Field>
    );
  const change = (text: string): void => {
    setTyped(text);
    const keys = text
      .split(',')
      .map((key) => key.trim())
      .filter((key) => key !== '');
    onMetadata(keys.length === 0 ? undefined : keys);
  };
  return (
    <TextField
      label="Metadata kept"
      value={typed}
      onValue={change}
      error={error}
      placeholder="region, plan"
      help="Attributes to filter and group by, with commas."
    />
  );
}
