import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiClient } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver, type TestReceiver } from '../receiver.ts';

let receiver: TestReceiver;
let api: ApiClient;
beforeAll(async () => {
  receiver = await startTestReceiver();
  api = new ApiClient(receiver.url);
});
afterAll(() => receiver.stop());

function send(args: string[], stdin = '') {
  return runInProcess(['send', ...args, '--url', receiver.url], { stdin });
}

const ONE = ['-c', 'acme', '-d', 'gpu.hours', '-v', '12.5', '-t', '2026-03-01T08:00:00Z'];

describe('one record', () => {
  test('is stored, exactly', async () => {
    const { code, stdout, stderr } = await send([...ONE, '-m', 'region=eu', '-m', 'note=a=b', '--json']);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      customerId: 'acme',
      recordValue: '12.5',
      timestamp: '2026-03-01T08:00:00Z',
      metadata: { region: 'eu', note: 'a=b' },
      status: 'stored',
    });
  });

  test('with an id it counts once', async () => {
    const args = [...ONE.slice(2), '-c', 'once', '--id', 'line-1'];
    expect((await send(args)).stdout).toMatch(
      /^stored: once gpu\.hours 12\.5 at 2026-03-01T08:00:00Z, record /,
    );
    expect((await send(args)).stdout).toMatch(/^duplicate: once/);
    expect(await api.quantity('once', 'gpu.hours')).toBe('12.5');
  });

  test('without one each command counts', async () => {
    const args = [...ONE.slice(2), '-c', 'twice'];
    await send(args);
    await send(args);
    expect(await api.quantity('twice', 'gpu.hours')).toBe('25');
  });

  test.each([
    [['-c', 'acme', '-d', 'x'], 2, '--value is missing'],
    [['-d', 'x', '-v', '1'], 2, '--customer is missing'],
    [[...ONE, '-m', 'region'], 2, '--metadata must look like'],
    [['usage.ndjson'], 2, 'usage-meter import reads files'],
    [['-', '-v', '1'], 2, '--value is for a single record'],
    [['-c', 'acme', '-d', 'x', '-v', 'many'], 1, 'recordValue'],
    [['-c', 'acme', '-d', 'x', '-v', '1', '-t', '2026-03-01 08:00:00'], 1, 'without one is ambiguous'],
  ])('%j ends with %i', async (args, code, said) => {
    const end = await send(args);
    expect([end.code, end.stdout]).toEqual([code, '']);
    expect(end.stderr).toContain(said);
  });
});

function line(customerId: string, recordValue: string, more = ''): string {
  return `{"customerId": "${customerId}", "dimensionId": "tokens", "recordValue": ${recordValue}${more}}`;
}

describe('lines of stdin', () => {
  test('count as they are spelled', async () => {
    const digits = '12345678901234567890.000000000001';
    const { code, stdout } = await send(['-'], `${line('lines', digits)}\r\n\n${line('lines', '1')}`);
    expect([code, stdout]).toEqual([0, '2 records stored, 0 duplicates\n']);
    expect(await api.quantity('lines', 'tokens')).toBe('12345678901234567891.000000000001');
  });

  test('with ids count once', async () => {
    const lines = [1, 2].map((id) =>
      line('ids', '1', `, "timestamp": "2026-03-01T00:00:00Z", "id": "id-${id}"`),
    );
    await send(['-'], lines[0]);
    const { stdout } = await send(['-', '--json'], lines.join('\n'));
    expect(JSON.parse(stdout)).toEqual({ stored: 1, duplicates: 1, lines: 2, error: null });
  });

  test('none', async () => {
    expect(await send(['-'])).toEqual({ code: 0, stdout: '0 records stored, 0 duplicates\n', stderr: '' });
  });

  test('a bad line is named; those of its batch are not stored', async () => {
    const lines = [line('bad', '1'), '', line('bad', '"many"'), '{'];
    const { code, stdout, stderr } = await send(['-'], lines.join('\n'));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('line 3: recordValue must be');
    expect(stderr).toContain('line 4 is ');
    expect(stderr).toContain('Nothing was stored.');
    expect(await api.quantity('bad', 'tokens')).toBe('0');
  });

  test('what came before is stored, and it says how to go on', async () => {
    const lines = Array.from({ length: 1500 }, () => line('part', '1'));
    lines[1200] = line('part', 'null');
    const { code, stdout, stderr } = await send(['-'], lines.join('\n'));
    expect([code, stdout]).toEqual([3, '1,000 records stored, 0 duplicates\n']);
    expect(stderr).toContain('line 1201: recordValue');
    expect(stderr).toContain('go on with tail -n +1001');
    expect(await api.quantity('part', 'tokens')).toBe('1000');
  });
});
