import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ConfigError,
  describeConfig,
  loadConfig,
  readDataDir,
  readServerConfig,
  type ServerFlags,
} from '../../receiver/config.ts';
import { configReport, faultReport } from '../../receiver/config-report.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
  writeFileSync(
    join(folder, 'good.yaml'),
    `server:
  port: 1111
  dataDir: ledger
  log: json
  minFreeDiskBytes: 1000
  journalRetentionDays: 7
  allowedHosts: [Usage.example.com, .corp.example]
discovery: off
dimensions: [{ id: a }]
meters:
  - { id: m, signals: [spans], match: { all: [{ path: name, eq: x }] }, customer: 'attributes["c"]', dimension: b }
`,
  );
  writeFileSync(
    join(folder, 'bad.yaml'),
    'server:\n  port: 1\n  prot: 2\ndimensions: [{ id: a, unit: hours }]\n',
  );
  writeFileSync(join(folder, 'exposed.yaml'), 'server: { host: 0.0.0.0 }\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** `name = value (source)` of one setting. */
function described(name: string, flags: ServerFlags, environment: NodeJS.ProcessEnv): string {
  const { value, source } = describeConfig(flags, environment).find((setting) => setting.name === name)!;
  const from = {
    default: () => 'default',
    file: () => (source.from === 'file' ? `line ${source.line}` : ''),
    environment: () => (source.from === 'environment' ? source.variable : ''),
    flag: () => (source.from === 'flag' ? source.flag : ''),
  }[source.from]();
  return `${value} (${from})`;
}

describe('where a value comes from', () => {
  test.each([
    // setting, flags, environment, with the file, value and source
    ['port', {}, {}, false, '4318 (default)'],
    ['port', {}, {}, true, '1111 (line 2)'],
    ['port', {}, { USAGE_METER_PORT: '2222' }, true, '2222 (USAGE_METER_PORT)'],
    ['port', {}, { USAGE_METER_PORT: '' }, true, '1111 (line 2)'],
    ['port', { port: '3333' }, { USAGE_METER_PORT: '2222' }, true, '3333 (--port)'],
    ['host', {}, {}, true, '127.0.0.1 (default)'],
    ['host', { host: '::1' }, {}, true, '::1 (--host)'],
    ['log', {}, {}, true, 'json (line 4)'],
    ['log', { log: 'text' }, {}, true, 'text (--log)'],
    ['minFreeDiskBytes', {}, {}, false, '268435456 (default)'],
    ['minFreeDiskBytes', {}, {}, true, '1000 (line 5)'],
    ['minFreeDiskBytes', {}, { USAGE_METER_MIN_FREE_DISK: '5' }, true, '5 (USAGE_METER_MIN_FREE_DISK)'],
    ['journalRetentionDays', {}, {}, false, 'null (default)'],
    ['journalRetentionDays', {}, {}, true, '7 (line 6)'],
    [
      'journalRetentionDays',
      {},
      { USAGE_METER_JOURNAL_RETENTION_DAYS: '0.5' },
      true,
      '0.5 (USAGE_METER_JOURNAL_RETENTION_DAYS)',
    ],
    ['allowedHosts', {}, {}, false, 'null (default)'],
    ['allowedHosts', {}, {}, true, 'usage.example.com, .corp.example (line 7)'],
    [
      'allowedHosts',
      {},
      { USAGE_METER_ALLOWED_HOSTS: 'a.example,B.example, ' },
      true,
      'a.example, b.example (USAGE_METER_ALLOWED_HOSTS)',
    ],
    ['allowedHosts', { allowedHosts: 'c' }, {}, true, 'c (--allowed-hosts)'],
    ['discovery', {}, {}, false, 'true (default)'],
    ['discovery', {}, {}, true, 'false (line 8)'],
    ['maxFutureSeconds', {}, {}, true, '600 (default)'],
    ['apiKeys', {}, {}, true, '0 (default)'],
    ['apiKeys', {}, { USAGE_METER_API_KEYS: 'secret, other' }, true, '2 (USAGE_METER_API_KEYS)'],
  ])('%s with %j %j, file: %s', (name, flags, environment, withFile, expected) => {
    const config = withFile ? { config: join(folder, 'good.yaml') } : {};
    expect(described(name, { ...flags, ...config }, environment)).toBe(expected);
  });

  test('the file itself', () => {
    const file = join(folder, 'good.yaml');
    expect(described('config', {}, {})).toBe('null (default)');
    expect(described('config', { config: file }, { USAGE_METER_CONFIG: 'x' })).toBe(`${file} (--config)`);
    expect(described('config', {}, { USAGE_METER_CONFIG: file })).toBe(`${file} (USAGE_METER_CONFIG)`);
    expect(readServerConfig({}, {}).configPath).toBeNull();
    expect(readServerConfig({ config: file }, {})).toMatchObject({ configPath: file, port: 1111 });
    expect(() => readServerConfig({ config: join(folder, 'none.yaml') }, {})).toThrow(
      /none\.yaml: cannot be read/,
    );
  });

  test.each([
    // A folder in the file is meant from there.
    [{}, {}, false, 'data'],
    [{}, {}, true, 'FOLDER/ledger'],
    [{}, { USAGE_METER_DATA_DIR: 'there' }, true, 'there'],
    [{ dataDir: '/here' }, { USAGE_METER_DATA_DIR: 'there' }, true, '/here'],
  ])('the data folder with %j %j, file: %s', (flags, environment, withFile, expected) => {
    const config = withFile ? { config: join(folder, 'good.yaml') } : {};
    const path = resolve(expected.replace('FOLDER', folder));
    expect(readDataDir({ ...flags, ...config }, environment)).toBe(path);
    expect(readServerConfig({ ...flags, ...config }, environment).dataDir).toBe(path);
  });

  test('a data folder that is said needs no file that is right', () => {
    const config = join(folder, 'bad.yaml');
    expect(readDataDir({ dataDir: '/here', config }, {})).toBe('/here');
    expect(() => readDataDir({ config }, {})).toThrow(/server\.prot: unknown key/);
  });
});

test.each([
  // A key is never shown.
  [{}, { USAGE_METER_API_KEYS: 'top secret' }, /^USAGE_METER_API_KEYS: a key must be of printable/],
  [{ port: 'http' }, {}, /^--port: .* \(got "http"\)$/],
  [{}, { USAGE_METER_MIN_FREE_DISK: '-1' }, /^USAGE_METER_MIN_FREE_DISK: /],
  [{ log: 'xml' }, {}, /^--log: .* \(got "xml"\)$/],
  [{ allowedHosts: 'a,http://b' }, {}, /^--allowed-hosts: must be a host name .* \(got "a,http:\/\/b"\)$/],
])('the settings %j %j are refused', (flags, environment, message) => {
  expect(() => describeConfig(flags, environment)).toThrow(message);
});

/** What `config check` says, with the folder as working directory. */
function report(flags: ServerFlags, environment: NodeJS.ProcessEnv = {}): { text: string; json: string } {
  const said = (() => {
    try {
      return configReport(loadConfig(flags, environment), folder);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return faultReport(error, folder);
    }
  })();
  return { text: said.lines.join('\n'), json: JSON.stringify(said.json) };
}

describe('the report', () => {
  test('of a good file: values with their sources, counts and warnings, never a key', () => {
    const { text, json } = report({ config: join(folder, 'good.yaml') }, { USAGE_METER_API_KEYS: 'secret' });
    expect(text).toMatch(/^port +1111 +good\.yaml:2$/m);
    expect(text).toMatch(/^host +127\.0\.0\.1 +default$/m);
    expect(text).toMatch(/^apiKeys +1 +USAGE_METER_API_KEYS$/m);
    expect(text).toMatch(/\ngood\.yaml: 1 dimension, 0 customers, 1 meter: usable, with 1 warning$/);
    expect(text).toMatch(
      /^warning: good\.yaml:11:\d+: meters\[0\]\.dimension: dimension "b" is not declared/m,
    );
    expect(JSON.parse(json)).toMatchObject({
      problems: [],
      warnings: [expect.stringContaining('dimension "b"')],
      counts: { dimensions: 1, customers: 0, meters: 1 },
    });
    expect(JSON.parse(json).settings).toContainEqual({
      name: 'port',
      value: 1111,
      source: { from: 'file', file: join(folder, 'good.yaml'), line: 2 },
    });
    expect(text + json).not.toContain('secret');
  });

  test('of packs: they are named, and what they declare counts', () => {
    const config = join(folder, 'packs.yaml');
    writeFileSync(config, 'packs: [gen_ai]\n');
    expect(report({ config }).text).toMatch(
      /\npacks\.yaml: \d+ dimensions, 0 customers, \d+ meters, 1 pack: no problems$/,
    );
    expect(report({}).text).toMatch(/\nno file: 0 dimensions, 0 customers, 0 meters: no problems$/);
  });

  test('of faults outside the file', () => {
    expect(report({ config: join(folder, 'none.yaml') }).text).toContain('cannot be read');
    expect(report({}, { USAGE_METER_PORT: 'x' })).toEqual({
      text: expect.stringContaining('USAGE_METER_PORT: '),
      json: expect.stringContaining('{"problems":[{"message":"USAGE_METER_PORT: '),
    });
  });

  test('of a host without keys: a warning, since the keys are where the server runs', () => {
    const config = join(folder, 'exposed.yaml');
    expect(report({ config }).text).toMatch(/^warning: host 0\.0\.0\.0 can be reached/m);
    expect(() => readServerConfig({ config }, {})).toThrow(/USAGE_METER_API_KEYS/);
  });
});

describe('usage-meter config check', () => {
  function check(args: string[]): { code: number | null; out: string } {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [resolve('cli/usage-meter.ts'), 'config', 'check', ...args],
      { cwd: folder, env: {}, encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    return { code: status, out: stdout };
  }

  test('finds usage-meter.yaml in the working directory', () => {
    writeFileSync(join(folder, 'usage-meter.yaml'), 'server: { port: 5 }\n');
    const { code, out } = check([]);
    rmSync(join(folder, 'usage-meter.yaml'));
    expect(code).toBe(0);
    expect(out).toMatch(/^config +\S*usage-meter\.yaml +default$/m);
    expect(out).toMatch(/^port +5 +usage-meter\.yaml:1$/m);
    expect(out).toMatch(/\nusage-meter\.yaml: 0 dimensions, 0 customers, 0 meters: no problems\n$/);
  });

  test('a bad file: every problem with its line, exit code 1', () => {
    const { code, out } = check(['--config', 'bad.yaml']);
    expect(code).toBe(1);
    expect(out.trim().split('\n')).toEqual([
      'bad.yaml:3:3: server.prot: unknown key; did you mean "port"?',
      'bad.yaml:4:29: dimensions[0].unit: "hours" is no unit that is known here; did you mean "h"?',
      '',
      '2 problems',
    ]);
  });

  test('a bad file for programs', () => {
    const { code, out } = check(['--config', 'bad.yaml', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out).problems).toMatchObject([
      { line: 3, column: 3, path: 'server.prot' },
      { line: 4, column: 29, path: 'dimensions[0].unit' },
    ]);
  });
});
