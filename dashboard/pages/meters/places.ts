/** Places in a signal as the form offers them: a kind, and for some a key. In the rule they are paths. (Pure.) */

export type PlaceKind =
  | 'attribute'
  | 'resource'
  | 'body'
  | 'metric.name'
  | 'event_name'
  | 'name'
  | 'kind'
  | 'status.code'
  | 'severity_text'
  | 'scope.name'
  | 'path';

export const PLACE_LABELS: Readonly<Record<PlaceKind, string>> = {
  attribute: 'Attribute',
  resource: 'Resource attribute',
  body: 'In the log’s body',
  'metric.name': 'Metric name',
  event_name: 'Log event name',
  name: 'Span name',
  kind: 'Span kind',
  'status.code': 'Span status',
  severity_text: 'Log severity',
  'scope.name': 'Scope name',
  path: 'Another path',
};

export interface Place {
  kind: PlaceKind;
  /** Of an attribute, what is in the body, or the path itself. */
  key: string;
}

const QUOTED = /^(attributes|resource|resource\.attributes)\["((?:[^"\\]|\\.)*)"\]$/;

export function placeOf(path: string): Place {
  const quoted = QUOTED.exec(path);
  if (quoted !== null) {
    const key = quoted[2].replaceAll(/\\(.)/g, '$1');
    return { kind: quoted[1] === 'attributes' ? 'attribute' : 'resource', key };
  }
  if (path === 'body' || path.startsWith('body.')) return { kind: 'body', key: path.slice('body.'.length) };
  if (path !== 'path' && Object.hasOwn(PLACE_LABELS, path)) return { kind: path as PlaceKind, key: '' };
  return { kind: 'path', key: path };
}

export function pathOf({ kind, key }: Place): string {
  const escaped = key.replaceAll(/["\\]/g, '\\$&');
  if (kind === 'attribute') return `attributes["${escaped}"]`;
  if (kind === 'resource') return `resource["${escaped}"]`;
  if (kind === 'body') return key === '' ? 'body' : `body.${key}`;
  return kind === 'path' ? key : kind;
}

export function hasKey(kind: PlaceKind): boolean {
  return kind === 'attribute' || kind === 'resource' || kind === 'body' || kind === 'path';
}

/** Those that a signal of one of these kinds can have. */
export function placesOf(signals: readonly string[]): PlaceKind[] {
  const of = (signal: string, ...kinds: PlaceKind[]): PlaceKind[] => (signals.includes(signal) ? kinds : []);
  return [
    ...of('metrics', 'metric.name'),
    ...of('logs', 'event_name', 'body'),
    ...of('spans', 'name', 'kind', 'status.code'),
    'attribute',
    'resource',
    ...of('logs', 'severity_text'),
    'scope.name',
    'path',
  ];
}
