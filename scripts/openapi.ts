/** Writes schemas/openapi.json, which tools and generators of clients read, from the routes' own schemas. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '../receiver/http/openapi/document.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}schemas/openapi.json`;
writeFileSync(file, `${JSON.stringify(openApiDocument(), null, 2)}\n`);
execFileSync(`${root}node_modules/.bin/biome`, ['format', '--write', file], { cwd: root, stdio: 'inherit' });
