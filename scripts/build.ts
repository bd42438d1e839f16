/** Makes the package's dist/: JavaScript and declarations of what apps and operators use, and the dashboard's page. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DASHBOARD_OUTPUT } from '../receiver/dashboard.ts';
import { SWAGGER_UI_FILES } from '../receiver/http/openapi/reference-routes.ts';
import { buildDashboard } from './build-dashboard.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
chmodSync(`${root}dist/cli/usage-meter.js`, 0o755);

// What the reference page loads, with its licences: users of the package install no copy of Swagger UI of their own.
const swaggerUi = `${root}dist/receiver/http/openapi/swagger-ui/`;
mkdirSync(swaggerUi);
for (const file of [...SWAGGER_UI_FILES, 'swagger-ui-bundle.js.LICENSE.txt', 'LICENSE', 'NOTICE'])
  copyFileSync(`${root}node_modules/swagger-ui-dist/${file}`, `${swaggerUi}${file}`);

// Where the receiver of the package looks for it; nothing is built at its users'.
await buildDashboard();
cpSync(DASHBOARD_OUTPUT, `${root}dist/dashboard`, { recursive: true });
