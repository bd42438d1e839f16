/** What a schema knows of names: to say what somebody who wrote another one probably meant. */
import { z } from 'zod';

/** The keys that a strict object has at a place of a schema, optional ones too. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const keys = new Set<string>();
  for (const found of schemasAt(unwrapped(schema), path)) {
    if (found instanceof z.ZodObject) for (const key of Object.keys(found.shape)) keys.add(key);
  }
  return [...keys];
}

/** Several where the place is below a union. */
function schemasAt(schemas: z.ZodType[], path: readonly PropertyKey[]): z.ZodType[] {
  const [step, ...rest] = path;
  if (step === undefined) return schemas;
  return schemas.flatMap((schema) => {
    const inner = innerSchema(schema, step);
    return inner === undefined ? [] : schemasAt(unwrapped(inner), rest);
  });
}

function innerSchema(schema: z.ZodType, step: PropertyKey): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(step)] as z.ZodType | undefined;
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  if (schema instanceof z.ZodRecord) return schema.valueType as z.ZodType;
  return undefined;
}

/** What is below optional, nullable, default and pipe, and each part of a union. */
function unwrapped(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => unwrapped(option as z.ZodType));
  if (schema instanceof z.ZodPipe) return unwrapped(schema.in as z.ZodType);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return unwrapped(schema.unwrap() as z.ZodType);
  }
  return [schema];
}

/** The known name that is most like one that is not known, or null where none is like it. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const plain = plainName(name);
  let nearest: string | null = null;
  let least = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(plain, plainName(candidate));
    if (distance >= least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
}

/** data_dir, data-dir and DataDir are the same typing error. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_. ]/g, '');
}

/** Characters to insert, delete, replace or swap with their neighbour. https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}
