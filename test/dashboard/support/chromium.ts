/**
 * Headless Chromium out of the npm package that carries it, unpacked once per clone: nothing is installed by hand,
 * nothing is shared with other programs of the machine.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium as playwright } from 'playwright-core';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** No sandbox: tests run as root in containers, and load nothing but the receiver's own page. */
const FLAGS = [
  '--no-sandbox',
  '--no-zygote',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
];

/**
 * @param flags beside those of all tests
 * @throws Error with what Chromium said where it does not start
 */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const folder = await unpackedChromium();
  return await playwright.launch({
    executablePath: `${folder}/chromium`,
    args: [...FLAGS, ...flags],
    // The package brings the libraries and the fonts that bare containers have none of.
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      TMPDIR: process.env.TMPDIR ?? '/tmp',
      LD_LIBRARY_PATH: `${folder}/al2023/lib`,
      FONTCONFIG_PATH: `${folder}/fonts`,
      LANG: 'en_US.UTF-8',
      TZ: 'UTC',
    },
  });
}

/**
 * Test files that start together may all find nothing: each unpacks into a folder of its own, and the first to be
 * done gives it its name.
 */
async function unpackedChromium(): Promise<string> {
  const manifest = await readFile(`${root}node_modules/@sparticuz/chromium/package.json`, 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const folder = `${root}node_modules/.cache/chromium-${version}`;
  if (existsSync(folder)) return folder;
  await mkdir(`${root}node_modules/.cache`, { recursive: true });
  const own = await mkdtemp(`${folder}-`);
  try {
    await unpackInto(own);
    await rename(own, folder);
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** The package unpacks to the folder for temporary files, wherever that is. */
async function unpackInto(folder: string): Promise<void> {
  const { inflate } = await import('@sparticuz/chromium');
  const temporary = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  try {
    const parts = ['chromium.br', 'fonts.tar.br', 'al2023.tar.br'];
    await Promise.all(parts.map((part) => inflate(`${root}node_modules/@sparticuz/chromium/bin/${part}`)));
  } finally {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
  }
}
