/** Programs that come from the Python package index, installed once into a virtual environment of their own. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param environment a folder that is this environment's alone
 * @param requirements a file of pip's; the environment is made anew when it changes
 * @returns the path of one of the environment's programs
 */
export function pythonEnvironment(environment: string, requirements: string): (program: string) => string {
  const program = (name: string) => join(environment, 'bin', name);
  const stamp = join(environment, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return program;
  rmSync(environment, { recursive: true, force: true });
  execFileSync('python3', ['-m', 'venv', environment], { stdio: 'inherit' });
  const install = ['install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  execFileSync(program('pip'), install, { stdio: 'inherit' });
  writeFileSync(stamp, wanted);
  return program;
}
