/** The configuration file as a JSON Schema, for editors. What holds between entries is beyond it: `config check` knows. */
import { z } from 'zod';
import { ConfigFileShape, TEXT_FIELDS } from './config-file.ts';
import type { YamlPath } from './yaml-document.ts';

type JsonSchema = Record<string, unknown>;

/** JSON Schema of draft 2020-12 of what people write: defaults may be left out. */
export function configFileJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(ConfigFileShape, { io: 'input', reused: 'inline' }) as JsonSchema;
  for (const field of TEXT_FIELDS) allowNumber(schema, field);
  // A section with nothing in it is read as none.
  for (const section of Object.values(schema.properties as Record<string, JsonSchema>)) allowNull(section);
  return { title: 'usage-meter.yaml', ...schema };
}

/** Where a text is wanted and a number is read as it is written, an editor must not complain. */
function allowNumber(schema: JsonSchema, [step, ...rest]: YamlPath): void {
  for (const part of (schema.anyOf as JsonSchema[] | undefined) ?? []) allowNumber(part, [step, ...rest]);
  for (const part of (schema.oneOf as JsonSchema[] | undefined) ?? []) allowNumber(part, [step, ...rest]);
  if (step === undefined) {
    if (schema.type === 'string') schema.type = ['string', 'number'];
    return;
  }
  const properties = schema.properties as Record<string, JsonSchema> | undefined;
  const inner = [
    ...(step === '*' ? [schema.items, schema.additionalProperties] : [properties?.[step]]),
  ].filter((found) => typeof found === 'object' && found !== null) as JsonSchema[];
  for (const part of inner) allowNumber(part, rest);
}

function allowNull(schema: JsonSchema): void {
  if (Array.isArray(schema.anyOf)) schema.anyOf.push({ type: 'null' });
  else if (schema.type !== undefined) schema.type = [schema.type, 'null'].flat();
}
