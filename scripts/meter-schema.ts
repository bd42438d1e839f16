/**
 * Writes schemas/meter-rule.schema.json, by which editors check and complete a meter, from the rule's own definition.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { meterRuleJsonSchema } from '../receiver/metering/rules/json-schema.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}schemas/meter-rule.schema.json`;
writeFileSync(file, `${JSON.stringify(meterRuleJsonSchema(), null, 2)}\n`);
execFileSync(`${root}node_modules/.bin/biome`, ['format', '--write', file], { cwd: root, stdio: 'inherit' });
