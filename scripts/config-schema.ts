/** Writes schemas/usage-meter.schema.json, by which editors check and complete usage-meter.yaml, from its definition. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configFileJsonSchema } from '../receiver/config-schema.ts';

const file = fileURLToPath(new URL('../schemas/usage-meter.schema.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(configFileJsonSchema(), null, 2)}\n`);
