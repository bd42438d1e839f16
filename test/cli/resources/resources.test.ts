import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiClient } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver, type TestReceiver } from '../receiver.ts';

let receiver: TestReceiver;
let api: ApiClient;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'resources-cli-'));
  receiver = await startTestReceiver();
  api = new ApiClient(receiver.url);
});
afterAll(async () => {
  await receiver.stop();
  await rm(folder, { recursive: true });
});

function cli(...args: string[]) {
  return runInProcess([...args, '--url', receiver.url]);
}

describe('customers', () => {
  test('from create to delete', async () => {
    const created = await cli(
      'customers',
      'create',
      'eu/acme',
      '--name',
      'Acme',
      '--alias',
      'a-1',
      '--alias',
      'a-2',
      '-m',
      'plan=pro',
    );
    expect([created.code, created.stderr]).toEqual([0, '']);
    expect(created.stdout).toBe(`customer eu/acme is created

id: eu/acme
name: Acme
email: null
timeZone: null
aliases:
  - a-1
  - a-2
metadata:
  plan: pro
discovered: false
managedBy: api
`);
    const again = await cli('customers', 'create', 'eu/acme');
    expect([again.code, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toContain('is declared already');

    // Other fields stay, and an empty text unsets one.
    await cli('customers', 'update', 'eu/acme', '--email', 'billing@acme.example');
    const updated = await cli('customers', 'update', 'eu/acme', '--name', '', '--json');
    expect(JSON.parse(updated.stdout)).toMatchObject({
      name: null,
      email: 'billing@acme.example',
      aliases: ['a-1', 'a-2'],
      metadata: { plan: 'pro' },
    });

    const put = await cli('customers', 'put', 'eu/acme', '--time-zone', 'Europe/Berlin', '--json');
    expect(JSON.parse(put.stdout)).toMatchObject({ email: null, aliases: [], timeZone: 'Europe/Berlin' });
    const shown = await cli('customers', 'show', 'eu/acme', '--json');
    expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(put.stdout));

    expect((await cli('customers', 'delete', 'eu/acme')).stdout).toBe('customer eu/acme is deleted\n');
    expect((await cli('customers', 'show', 'eu/acme')).code).toBe(1);
  });

  test('the list has the columns that say something', async () => {
    await cli('customers', 'put', 'list-b', '--name', 'Bee \u202egnp');
    await api.post('/usage', { customerId: 'list-a', dimensionId: 'calls', recordValue: '1' });
    const { stdout } = await cli('customers', 'list', 'list-');
    expect(stdout).toBe(`customer  name      from
list-a              usage
list-b    Bee \ufffdgnp  api
`);
    const ids = async (...flags: string[]) =>
      JSON.parse((await cli('customers', 'list', 'list-', '--json', ...flags)).stdout).rows.map(
        ({ id }: { id: string }) => id,
      );
    expect(await ids('--discovered')).toEqual(['list-a']);
    expect(await ids('--declared')).toEqual(['list-b']);
    expect(await ids('--limit', '1')).toEqual(['list-a']);
    expect((await cli('customers', 'list', 'nobody')).stdout).toBe('No customers.\n');
  });

  test('one with usage stays', async () => {
    await api.post('/usage', { customerId: 'used', dimensionId: 'calls', recordValue: '1' });
    const { code, stderr } = await cli('customers', 'delete', 'used');
    expect([code, stderr]).toEqual([1, expect.stringContaining('usage')]);
  });
});

describe('dimensions', () => {
  test('every field has a flag', async () => {
    const flags = '--name Storage --unit GBy --aggregation time_integral --level-ttl 3600 --interval day';
    const more = '--increment 0.5 --rounding ceiling --price 0.002 --credits --json';
    const { stdout } = await cli('dimensions', 'put', 'storage', ...`${flags} ${more}`.split(' '));
    expect(JSON.parse(stdout)).toEqual({
      id: 'storage',
      name: 'Storage',
      unit: 'GBy',
      aggregation: 'time_integral',
      uniqueKey: null,
      levelTtl: 3600,
      interval: 'day',
      usageIncrement: '0.5',
      unitPrice: '0.002',
      rounding: 'ceiling',
      creditsAllowed: true,
      discovered: false,
      managedBy: 'api',
    });
    const updated = await cli('dimensions', 'update', 'storage', '--level-ttl', '', '--no-credits', '--json');
    expect(JSON.parse(updated.stdout)).toMatchObject({ levelTtl: null, creditsAllowed: false, unit: 'GBy' });
    expect((await cli('dimensions', 'list', 'sto')).stdout).toBe(
      'dimension  name     unit  aggregation    interval  increment  rounding  unit price  from\n' +
        'storage    Storage  GBy   time_integral  day             0.5  ceiling        0.002  api\n',
    );
  });

  test.each([
    [['create', 'x', '--aggregation', 'total'], 2, 'Allowed choices are sum, count'],
    [['create', 'x', '--aggregation', 'unique'], 1, 'needs the metadata key'],
    [['create', 'x', '--level-ttl', 'long'], 2, 'whole number of seconds'],
    [['create'], 2, "missing required argument 'id'"],
    [['update', 'storage'], 2, 'say what is to change'],
    [['update', 'nothing', '--unit', 'By'], 1, 'there is no dimension "nothing"'],
    [['list', '--discovered', '--declared'], 2, 'either --discovered or --declared'],
    [['frobnicate'], 2, "unknown command 'frobnicate'"],
  ])('%j ends with %i', async (args, code, said) => {
    const end = await cli('dimensions', ...args);
    expect([end.code, end.stdout]).toEqual([code, '']);
    expect(end.stderr).toContain(said);
  });
});

describe('meters', () => {
  const RULE = (constant: number) => `
id: checkouts
signals: [logs]
match: { all: [{ path: body, eq: checkout }] }
customer: attributes["customer"]
dimension: checkouts
value: { constant: ${constant} }
`;

  test('from create to delete, with versions', async () => {
    const path = join(folder, 'rule.yaml');
    await writeFile(path, RULE(1));
    expect((await cli('meters', 'create', path)).stdout).toMatch(/^meter checkouts is created\n/);
    expect((await cli('meters', 'create', path)).code).toBe(1);
    await writeFile(path, RULE(2));
    const put = JSON.parse((await cli('meters', 'put', path, '--json')).stdout);
    expect(put).toMatchObject({ id: 'checkouts', version: 2, value: { constant: '2' } });
    const shown = JSON.parse((await cli('meters', 'show', 'checkouts', '--versions', '--json')).stdout);
    expect(shown.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
    expect(
      (await cli('meters', 'list')).stdout,
    ).toBe(`meter      version  state  signals             from     name
builtin          0  on     metrics logs spans  builtin  Built-in meter
checkouts        2  on     logs                api
`);
    expect((await cli('meters', 'delete', 'checkouts')).code).toBe(0);
    expect((await cli('meters', 'list', '--deleted', '--json')).stdout).toContain('"deleted": true');
  });

  test('every problem of a rule is told with its line', async () => {
    const path = join(folder, 'bad.yaml');
    await writeFile(path, RULE(1).replace('[logs]', '[log]').replace('checkouts\nvalue', '7\nvalue'));
    const { code, stderr } = await cli('meters', 'put', path);
    expect(code).toBe(1);
    expect(stderr).toMatch(/bad\.yaml:3:11: signals\[0\]: must be one of/);
  });

  test('the built-in one stays', async () => {
    const { code, stderr } = await cli('meters', 'delete', 'builtin');
    expect([code, stderr]).toEqual([1, expect.stringContaining('built')]);
  });
});
