import { expect, test } from 'vitest';
import { ConfigError, readServerConfig } from '../../../receiver/config.ts';
import { ApiKeys, isLoopback } from '../../../receiver/http/auth.ts';

test.each([
  // keys            header                 allowed
  [[], undefined, true],
  [[], 'Bearer anything', true],
  [['one', 'two'], 'Bearer one', true],
  [['one', 'two'], 'bearer two', true],
  [['one', 'two'], 'Bearer  two ', true],
  [['one'], undefined, false],
  [['one'], '', false],
  [['one'], 'Bearer', false],
  [['one'], 'Bearer on', false],
  [['one'], 'Bearer onee', false],
  [['one'], 'Basic one', false],
  [['one'], 'one', false],
  [['one'], 'Bearer one two', false],
])('with the keys %j, "%s" is %s', (keys, header, allowed) => {
  expect(new ApiKeys(keys).allows(header)).toBe(allowed);
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['::1', true],
  ['[::1]', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.example.com', false],
  ['localhost.example.com', false],
])('%s is loopback: %s', (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
});

test.each([
  // flags                    environment                                         refused with
  [{}, { USAGE_METER_HOST: '0.0.0.0' }, /USAGE_METER_API_KEYS/],
  [{ host: '::' }, {}, /USAGE_METER_API_KEYS/],
  [{ host: '::' }, { USAGE_METER_API_KEYS: ' , ' }, /USAGE_METER_API_KEYS/],
  [{ port: 'http' }, {}, /--port/],
  [{ port: '65536' }, {}, /--port/],
  [{}, { USAGE_METER_PORT: '-1' }, /USAGE_METER_PORT/],
  [{}, { USAGE_METER_API_KEYS: 'a key' }, /USAGE_METER_API_KEYS/],
  [{ log: 'xml' }, {}, /--log/],
])('the settings %j %j are refused', (flags, environment, message) => {
  expect(() => readServerConfig(flags, environment)).toThrow(ConfigError);
  expect(() => readServerConfig(flags, environment)).toThrow(message);
});

test('flags come before environment, environment before defaults', () => {
  expect(readServerConfig({}, {})).toMatchObject({ host: '127.0.0.1', port: 4318, log: 'text', apiKeys: [] });
  const environment = { USAGE_METER_PORT: '1', USAGE_METER_HOST: '', USAGE_METER_API_KEYS: 'a, b' };
  expect(readServerConfig({}, environment)).toMatchObject({
    host: '127.0.0.1',
    port: 1,
    apiKeys: ['a', 'b'],
  });
  expect(readServerConfig({ port: '0', host: '0.0.0.0' }, environment)).toMatchObject({
    host: '0.0.0.0',
    port: 0,
  });
});
