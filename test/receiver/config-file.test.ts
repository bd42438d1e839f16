import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError } from '../../receiver/config-error.ts';
import { parseConfigFile, readConfigFile } from '../../receiver/config-file.ts';
import { configFileJsonSchema } from '../../receiver/config-schema.ts';
import { pack } from '../../receiver/metering/rules/index.ts';
import { YamlDocument } from '../../receiver/yaml-document.ts';

const METER = `
meters:
  - id: m
    signals: [spans]
    match: { all: [{ path: name, eq: x }] }
    customer: attributes["c"]
    dimension: d
`;

function problemsOf(text: string): string[] {
  try {
    parseConfigFile('f', text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message.split('\n')).toHaveLength(error.problems.length);
    return error.message.split('\n');
  }
}

/** Each of them once, so that a new fault cannot hide behind an old one. */
describe('one fault', () => {
  test.each([
    // text, problem
    ['pack: 1', 'f:1:1: pack: unknown key; did you mean "packs"?'],
    [
      'zzzzzzzz: 1',
      'f:1:1: zzzzzzzz: unknown key; known are customers, dimensions, discovery, maxFuture, meters, packs, server',
    ],
    ['server: { prot: 1 }', 'f:1:11: server.prot: unknown key; did you mean "port"?'],
    ['server: { data_dir: x }', 'f:1:11: server.data_dir: unknown key; did you mean "dataDir"?'],
    [
      'server: { apiKeys: [secret] }',
      'f:1:11: server.apiKeys: API keys do not belong in a file that is reviewed and copied: set the environment variable USAGE_METER_API_KEYS',
    ],
    [
      'api_key: secret',
      'f:1:1: api_key: API keys do not belong in a file that is reviewed and copied: set the environment variable USAGE_METER_API_KEYS',
    ],
    ['server: 3', 'f:1:9: server: must be a map (got 3)'],
    ['server: { port: 1.5 }', 'f:1:17: server.port: must be a whole number (got 1.5)'],
    ['server: { port: "80" }', 'f:1:17: server.port: must be a number (got "80")'],
    ['server: { port: 65536 }', /^f:1:17: server\.port: .*65535 \(got 65536\)$/],
    ['server: { log: xml }', 'f:1:16: server.log: must be one of text, json (got "xml")'],
    ['server: { journalRetentionDays: -1 }', /^f:1:33: server\.journalRetentionDays: /],
    ['discovery: of', 'f:1:12: discovery: must be on or off (got "of")'],
    ['maxFuture: soon', /^f:1:12: maxFuture: must be a duration such as .* \(got "soon"\)$/],
    ['maxFuture: -1', /^f:1:12: maxFuture: must be a duration/],
    ['maxFuture: 1.5', /^f:1:12: maxFuture: must be a duration/],
    ['maxFuture: [1]', /^f:1:12: maxFuture: must be a duration/],
    ['maxFuture: 367d', 'f:1:12: maxFuture: must be at most 366d (got "367d")'],
    ['packs: gen_ai', 'f:1:8: packs: must be a list of packs, or a map of packs to their options'],
    ['packs: [genai]', 'f:1:9: packs[0]: unknown pack "genai"; did you mean "gen_ai"?'],
    ['packs: { kafka: }', 'f:1:10: packs.kafka: unknown pack "kafka"; there are gen_ai, http_server'],
    [
      'packs: { gen_ai: { custmer: x } }',
      'f:1:20: packs.gen_ai.custmer: unknown key; did you mean "customer"?',
    ],
    [
      'packs: { gen_ai: { signals: [x] } }',
      'f:1:30: packs.gen_ai.signals[0]: must be one of spans, logs (got "x")',
    ],
    ['dimensions: { id: a }', 'f:1:13: dimensions: must be a list, each entry beginning with "- "'],
    ['dimensions: [a]', 'f:1:14: dimensions[0]: must be a map (got "a")'],
    ['dimensions: [{}]', 'f:1:14: dimensions[0].id: is required'],
    ['dimensions: [{ id: "" }]', 'f:1:20: dimensions[0].id: must not be empty (got "")'],
    [
      'dimensions: [{ id: a, unit: bytes }]',
      'f:1:29: dimensions[0].unit: "bytes" is no unit that is known here; did you mean "By"?',
    ],
    [
      'dimensions: [{ id: a, unitPrice: 1e3 }]',
      /^f:1:34: dimensions\[0\]\.unitPrice: must be a decimal .* \(got "1e3"\)$/,
    ],
    [
      'dimensions: [{ id: a, aggregation: unique }]',
      /^f:1:14: dimensions\[0\]\.uniqueKey: aggregation unique needs the metadata key/,
    ],
    [
      'dimensions: [{ id: a }, { id: a }]',
      'f:1:31: dimensions[1].id: "a" is the id of dimensions[0] (line 1) already',
    ],
    [
      'customers: [{ id: a }, { id: a }]',
      'f:1:30: customers[1].id: "a" is the id of customers[0] (line 1) already',
    ],
    [
      'customers: [{ id: a, aliases: [a] }]',
      'f:1:32: customers[0].aliases[0]: "a" is the customer\'s own id',
    ],
    [
      'customers: [{ id: a, aliases: [b, b] }]',
      'f:1:35: customers[0].aliases[1]: "b" is in this list already',
    ],
    [
      'customers:\n- { id: a, aliases: [b] }\n- { id: b }',
      'f:2:22: customers[0].aliases[0]: "b" is the id of customers[1] (line 3)',
    ],
    [
      'customers:\n- { id: a, aliases: [x] }\n- { id: b, aliases: [x] }',
      'f:3:22: customers[1].aliases[0]: "x" is an alias of customers[0] (line 2) already',
    ],
    ['customers: [{ id: a, email: x }]', /^f:1:29: customers\[0\]\.email: /],
    [
      'customers: [{ id: a, timeZone: Mars/One }]',
      'f:1:32: customers[0].timeZone: must be an IANA time zone, like Europe/Berlin (got "Mars/One")',
    ],
    [
      'customers: [{ id: a, metadata: { __proto__: x } }]',
      'f:1:34: customers[0].metadata.__proto__: this key is not allowed',
    ],
    [`${METER}    valeu: 1`, 'f:8:5: meters[0].valeu: unknown key; did you mean "value"?'],
    [
      METER.replace('path: name', 'path: nam'),
      /^f:5:28: meters\[0\]\.match\.all\[0\]\.path: the path begins with "nam"/,
    ],
    [
      METER.replace('eq: x', 'eqq: x'),
      /^f:5:34: meters\[0\]\.match\.all\[0\]\.eqq: unknown key; did you mean "eq"\?$/,
    ],
    [METER.replace('id: m', 'id: builtin'), /^f:3:9: meters\[0\]\.id: must be none of builtin, api/],
    [
      `${METER}    unit: seconds`,
      'f:8:11: meters[0].unit: "seconds" is no unit that is known here; did you mean "s"?',
    ],
    [
      `${METER}    unit: By\ndimensions: [{ id: d, unit: h }]`,
      'f:8:11: meters[0].unit: the meter\'s values are in "By", which does not convert to "h", the unit of dimension "d"',
    ],
    [
      `${METER}    value: duration\ndimensions: [{ id: d, unit: By }]`,
      'f:7:16: meters[0].dimension: the meter\'s values are in "s", which does not convert to "By", the unit of dimension "d"',
    ],
    [
      `${METER}dimensions: [{ id: d, unit: By }]`,
      'f:7:16: meters[0].dimension: the meter\'s values are in "1", which does not convert to "By", the unit of dimension "d"',
    ],
    ['[1]', /^f:1:1: must be a map of server/],
    ['text', /^f:1:1: must be a map of server/],
    ['discovery: on\ndiscovery: off', 'f:2:1: Map keys must be unique'],
    ['a: {b', /^f:1:6: /],
    ['a:\n\t- b', 'f:2:1: Tabs are not allowed as indentation'],
    ['discovery: on\n---\ndiscovery: on', 'f:2:1: Source contains multiple documents'],
    ['discovery: *x', 'f:1:12: discovery: the anchor of this alias is not there, or comes after it'],
    ['discovery: !secret on', 'f:1:12: Unresolved tag: !secret'],
    ['dimensions: &x\n- *x', /^f:2:3: dimensions(\[0\])+: it nests more than 64 levels deep$/],
  ])('%s', (text, problem) => {
    const problems = problemsOf(text);
    if (typeof problem === 'string') expect(problems).toEqual([problem]);
    else {
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(problem);
    }
  });
});

test('all faults at once, in the order of the file', () => {
  const problems = problemsOf(`
server: { prot: 1 }
dimensions:
  - { id: a, unit: bytes, agregation: sum }
  - { id: a, unit: By }
  - { id: b, unit: hours }
customers:
  - { id: x, aliases: [y], name: [1] }
  - { id: y, aliases: [z, z] }
meters:
  - id: m
  - id: m
    signals: [logs]
    match: { all: [{ path: name, eq: x }] }
    customer: body.customer
    dimension: a
    unit: 'h'
`);
  expect(problems.map((problem) => problem.split(': ').slice(0, 2).join(' '))).toEqual([
    'f:2:11 server.prot',
    'f:4:27 dimensions[0].agregation',
    'f:5:11 dimensions[1].id',
    'f:6:20 dimensions[2].unit',
    'f:8:34 customers[0].name',
    'f:9:27 customers[1].aliases[1]',
    'f:11:5 meters[0].signals',
    'f:11:5 meters[0].match',
    'f:11:5 meters[0].customer',
    'f:11:5 meters[0].dimension',
    'f:12:9 meters[1].id',
    'f:14:28 meters[1].match.all[0].path',
  ]);
});

describe('what is read', () => {
  test('the example, without fault or warning', () => {
    const config = readConfigFile('examples/usage-meter.yaml');
    expect(config.warnings).toEqual([]);
    expect(config).toMatchObject({
      server: { port: 4318, dataDir: '../data', journalRetentionDays: 90 },
      settings: { discovery: true, maxFutureSeconds: 600 },
    });
    expect(config.dimensions.map(({ id }) => id)).toEqual([
      'http.server.requests',
      'gen_ai.input_tokens',
      'storage',
      'exports',
      'compute',
      'gen_ai.output_tokens',
    ]);
    expect(config.customers[0].aliases).toEqual(['acme-eu', '4711']);
    expect(config.meters.map(({ id }) => id)).toEqual([
      'http.server.requests',
      'gen_ai.input_tokens',
      'gen_ai.output_tokens',
      'report-exports',
      'job-run-time',
    ]);
  });

  test.each([
    ['', { discovery: true, maxFutureSeconds: 600 }],
    ['# nothing', { discovery: true, maxFutureSeconds: 600 }],
    ['dimensions:\ncustomers:\nmeters:\nserver:\npacks:\n', { discovery: true, maxFutureSeconds: 600 }],
    ['discovery: off', { discovery: false, maxFutureSeconds: 600 }],
    ['discovery: "on"', { discovery: true, maxFutureSeconds: 600 }],
    ['discovery: false', { discovery: false, maxFutureSeconds: 600 }],
    ['maxFuture: 90', { discovery: true, maxFutureSeconds: 90 }],
    ['maxFuture: "90"', { discovery: true, maxFutureSeconds: 90 }],
    ['maxFuture: 0', { discovery: true, maxFutureSeconds: 0 }],
    ['maxFuture: 90s', { discovery: true, maxFutureSeconds: 90 }],
    ['maxFuture: 10 m', { discovery: true, maxFutureSeconds: 600 }],
    ['maxFuture: 10min', { discovery: true, maxFutureSeconds: 600 }],
    ['maxFuture: 2h', { discovery: true, maxFutureSeconds: 7200 }],
    ['maxFuture: 366d', { discovery: true, maxFutureSeconds: 31_622_400 }],
    ['\ufeffdiscovery: off\r\nmaxFuture: 1h\r\n', { discovery: false, maxFutureSeconds: 3600 }],
  ])('settings of %j', (text, settings) => {
    expect(parseConfigFile('f', text).settings).toEqual(settings);
  });

  test('numbers stand for texts as they are written', () => {
    const config = parseConfigFile(
      'f',
      `
dimensions: [{ id: 007, name: 1, unit: 1, unitPrice: 0.10, usageIncrement: 12345678901234567890 }]
customers: [{ id: 0042, aliases: [0x1F, 1e3], metadata: { tier: 1.0, 5: five } }]
${METER}    value: { constant: 2.50 }`,
    );
    expect(config.dimensions[0]).toMatchObject({
      id: '007',
      name: '1',
      unit: '1',
      unitPrice: '0.10',
      usageIncrement: '12345678901234567890',
    });
    expect(config.customers[0]).toMatchObject({
      id: '0042',
      aliases: ['0x1F', '1e3'],
      metadata: { tier: '1.0', 5: 'five' },
    });
    expect(config.meters[0].value).toEqual({ constant: '2.50' });
  });

  test('anchors, aliases and merge keys', () => {
    const { dimensions } = parseConfigFile(
      'f',
      `
dimensions:
  - &base { id: a, unit: &unit GBy.h, unitPrice: 1 }
  - { <<: *base, id: b, unitPrice: 2 }
  - { <<: [{ aggregation: max }, *base], id: c }
  - { id: d, unit: *unit }
`,
    );
    expect(dimensions).toMatchObject([
      { id: 'a', unit: 'GBy.h', unitPrice: '1' },
      { id: 'b', unit: 'GBy.h', unitPrice: '2' },
      { id: 'c', unit: 'GBy.h', unitPrice: '1', aggregation: 'max' },
      { id: 'd', unit: 'GBy.h', unitPrice: null },
    ]);
  });

  test('packs, as a list and with options; the own take the place of theirs', () => {
    const listed = parseConfigFile('f', 'packs: [gen_ai, http_server]');
    const mapped = parseConfigFile('f', 'packs: { gen_ai: , http_server: {} }');
    const [genAi, httpServer] = [pack('gen_ai'), pack('http_server')];
    for (const { dimensions, meters } of [listed, mapped]) {
      expect(dimensions).toEqual([...genAi.dimensions, ...httpServer.dimensions]);
      expect(meters).toEqual([...genAi.meters, ...httpServer.meters]);
    }
    const own = parseConfigFile(
      'f',
      'packs: { gen_ai: { defaultCustomer: me } }\ndimensions: [{ id: gen_ai.input_tokens, unit: "{token}", unitPrice: 2 }]',
    );
    expect(own.meters).toEqual(pack('gen_ai', { defaultCustomer: 'me' }).meters);
    expect(own.dimensions.map(({ id, unitPrice }) => [id, unitPrice])).toEqual([
      ['gen_ai.output_tokens', null],
      ['gen_ai.input_tokens', '2'],
    ]);
  });

  test.each([
    // Meter's unit, dimension's unit: they convert, or are unknown.
    ['    value: duration', 'h'],
    ['    value: duration\n    unit: ms', 's'],
    ['    unit: MiBy', 'GBy'],
    ['', '{job}'],
    ['    unit: "1"', '%'],
  ])('a meter with %j counts into a dimension in %s', (meter, unit) => {
    expect(problemsOf(`${METER}${meter}\ndimensions: [{ id: d, unit: "${unit}" }]`)).toEqual([]);
  });

  test('the unit of a metric is known only when it comes', () => {
    const metrics = METER.replace('[spans]', '[metrics]').replace('path: name', 'path: metric.name');
    expect(problemsOf(`${metrics}dimensions: [{ id: d, unit: GBy }]`)).toEqual([]);
    expect(problemsOf(`${metrics}    value: count\ndimensions: [{ id: d, unit: GBy }]`)).toHaveLength(1);
  });

  test('what is not declared here may be declared elsewhere, and is pointed at', () => {
    const { warnings } = parseConfigFile(
      'f',
      `${METER}    replaces: [buildin, other]\ndimensions: [{ id: dd }]`,
    );
    expect(warnings.map(({ line, path, message }) => `${line} ${path}: ${message}`)).toEqual([
      '7 meters[0].dimension: dimension "d" is not declared in this file; did you mean "dd"?',
      '8 meters[0].replaces[0]: meter "buildin" is not declared in this file; did you mean "builtin"?',
      '8 meters[0].replaces[1]: meter "other" is not declared in this file',
    ]);
  });

  test('lines of settings', () => {
    const { lines } = parseConfigFile('f', '\nserver:\n  port: 1\n  log: text\n\nmaxFuture: 1m\n');
    expect([...lines]).toEqual([
      ['maxFuture', 6],
      ['server.port', 3],
      ['server.log', 4],
    ]);
  });
});

test('a file that cannot be read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  try {
    expect(() => readConfigFile(join(folder, 'none.yaml'))).toThrow(/none\.yaml: cannot be read \(ENOENT/);
    writeFileSync(join(folder, 'latin.yaml'), Buffer.from('customers: [{id: caf\xe9}]', 'latin1'));
    expect(() => readConfigFile(join(folder, 'latin.yaml'))).toThrow(/latin\.yaml: must be UTF-8 text/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('schemas/usage-meter.schema.json', () => {
  const written = JSON.parse(readFileSync('schemas/usage-meter.schema.json', 'utf8'));

  test('is made from the present definition (node scripts/config-schema.ts, then npm run format)', () => {
    expect(written).toEqual(configFileJsonSchema());
  });

  test.each([
    [readFileSync('examples/usage-meter.yaml', 'utf8'), true],
    ['packs: [gen_ai]\ndimensions: [{ id: 1, unit: 1, unitPrice: 0.1 }]\ncustomers:', true],
    [`${METER}    value: { constant: 2 }`, true],
    ['packs: [other]', false],
    ['server: { prot: 1 }', false],
    ['dimensions: [{ unit: s }]', false],
    [`${METER}    valeu: 1`, false],
  ])('takes %j: %s', (text, expected) => {
    const schema = z.fromJSONSchema(written);
    const parsed = schema.safeParse(new YamlDocument(text).value);
    expect(parsed.success, parsed.error?.message).toBe(expected);
  });
});
