/** YAML as plain values, where each value knows its line: what the configuration file is read with. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';

/** Keys and indexes that lead from the document to a value. */
export type YamlPath = readonly (string | number)[];

export interface YamlPosition {
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
}

export interface YamlFault extends YamlPosition {
  path: YamlPath;
  message: string;
}

/** Aliases make copies: more values than this are no configuration that anybody wrote. */
const MAX_VALUES = 2_000_000;
const MAX_DEPTH = 64;

interface Place {
  /** Offset of the key, where the value has one. */
  key: number;
  value: number;
  /** A number as it is written: `007`, `0.10`. */
  source?: string;
}

/** One YAML 1.2 document. Anchors, aliases and merge keys are resolved; tags of its own, it has none. */
export class YamlDocument {
  /** Objects, arrays, strings, numbers, booleans and null. An empty file is null. */
  readonly value: unknown;
  /** What is no YAML, or none that is taken here. The value is what could be read in spite of it. */
  readonly faults: readonly YamlFault[];
  /** False where a fault is such that the rest of the document may have been misread. */
  isReadable: boolean;
  readonly #lines = new LineCounter();
  readonly #places = new Map<string, Place>();
  readonly #faults: YamlFault[] = [];
  #values = 0;

  constructor(text: string) {
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      stringKeys: true,
      resolveKnownTags: false,
    });
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      this.#faults.push({ ...this.#position(pos[0]), path: [], message: withoutAdvice(message) });
    }
    this.isReadable = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
    const resolve = (node: Node): Node | undefined => (isAlias(node) ? node.resolve(document) : node);
    this.value = this.#plain(document.contents, [], { key: -1, value: 0 }, resolve);
    this.faults = this.#faults;
  }

  /** Where a value begins; of one that is not there, the nearest around it. */
  position(path: YamlPath): YamlPosition {
    return this.#position(this.#nearest(path).value);
  }

  /** Where the key of a value begins. */
  keyPosition(path: YamlPath): YamlPosition {
    const { key, value } = this.#nearest(path);
    return this.#position(key < 0 ? value : key);
  }

  /** How a number is written, or undefined where the value is none. */
  numberSource(path: YamlPath): string | undefined {
    return this.#places.get(placeName(path))?.source;
  }

  #nearest(path: YamlPath): Place {
    for (let length = path.length; length >= 0; length--) {
      const place = this.#places.get(placeName(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return { key: -1, value: 0 };
  }

  #position(offset: number): YamlPosition {
    const { line, col } = this.#lines.linePos(offset);
    // Before the first line break of an empty file there is no line yet.
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** A value that is not what the document means, and that it makes no sense to look at. */
  #unreadable(path: YamlPath, offset: number, message: string): null {
    this.isReadable = false;
    this.#fault(path, offset, message);
    return null;
  }

  #fault(path: YamlPath, offset: number, message: string): void {
    this.#faults.push({ ...this.#position(offset), path, message });
  }

  /** @param place where the value was found: of an alias, the alias itself */
  #plain(
    node: Node | null | undefined,
    path: YamlPath,
    place: Place,
    resolve: (node: Node) => Node | undefined,
  ): unknown {
    this.#values += 1;
    if (this.#values === MAX_VALUES)
      this.#unreadable(path, place.value, `there are more than ${MAX_VALUES} values in it`);
    if (this.#values >= MAX_VALUES) return null;
    if (path.length > MAX_DEPTH)
      return this.#unreadable(path, place.value, `it nests more than ${MAX_DEPTH} levels deep`);
    this.#places.set(placeName(path), place);
    if (node === null || node === undefined) return null;
    const resolved = resolve(node);
    if (resolved === undefined)
      return this.#unreadable(path, place.value, 'the anchor of this alias is not there, or comes after it');
    const inner = (child: Node | null, step: string | number, key: number): unknown => {
      const value = child?.range?.[0] ?? (key < 0 ? place.value : key);
      return this.#plain(child, [...path, step], { key, value }, resolve);
    };
    if (isSeq(resolved)) return resolved.items.map((item, index) => inner(item as Node | null, index, -1));
    if (isMap(resolved)) return this.#map(resolved, path, inner, resolve);
    if (!isScalar(resolved)) return null;
    if (typeof resolved.value === 'number' && resolved.source !== undefined) place.source = resolved.source;
    return resolved.value;
  }

  #map(
    map: YAMLMap,
    path: YamlPath,
    inner: (child: Node | null, step: string, key: number) => unknown,
    resolve: (node: Node) => Node | undefined,
  ): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const { name, pair, offset } of entries(map, resolve, new Set())) {
      if (name === '__proto__') this.#fault([...path, name], offset, 'this key is not allowed');
      else result[name] = inner(pair.value as Node | null, name, offset);
    }
    return result;
  }
}

interface MapEntry {
  name: string;
  pair: Pair;
  offset: number;
}

/** The entries of a map and of those merged into it by `<<`, each name once: what stands in the map itself wins. */
function entries(map: YAMLMap, resolve: (node: Node) => Node | undefined, visited: Set<YAMLMap>): MapEntry[] {
  if (visited.has(map)) return [];
  visited.add(map);
  const own: MapEntry[] = [];
  const merged: MapEntry[] = [];
  for (const pair of map.items) {
    const key = pair.key as Node | null;
    const name = isScalar(key) ? String(key.value) : '';
    if (name !== '<<') {
      own.push({ name, pair, offset: key?.range?.[0] ?? 0 });
      continue;
    }
    const source = pair.value === null ? undefined : resolve(pair.value as Node);
    for (const part of isSeq(source) ? source.items : [source]) {
      const from = part === undefined || part === null ? undefined : resolve(part as Node);
      if (isMap(from)) merged.push(...entries(from, resolve, visited));
    }
  }
  visited.delete(map);
  const names = new Set(own.map(({ name }) => name));
  for (const entry of merged) {
    if (names.has(entry.name)) continue;
    names.add(entry.name);
    own.push(entry);
  }
  return own;
}

function placeName(path: YamlPath): string {
  return JSON.stringify(path);
}

/** The library advises its own callers, who do not write the file. */
function withoutAdvice(message: string): string {
  return message.replace(/; please use .*$/, '');
}
