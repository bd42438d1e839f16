/** Cursors as nobody should send them: each is a 400 that names `cursor`, and no error of the ledger. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readServerConfig } from '../../../receiver/config.ts';
import { Receiver } from '../../../receiver/server.ts';
import { type CursorPosition, cursorText } from '../../../storage/query/cursor.ts';
import { hostileTexts } from '../../dashboard/support/hostile-texts.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { ApiClient } from '../../system/api/api-client.ts';

const quiet = { info() {}, warn() {}, error() {} };
const seed = seedFromEnvironment(Math.floor(Math.random() * 2 ** 31));
const random = new Random(seed);

const MARCH = 'from=2026-03-01&to=2026-04-01';
const CELL = `${MARCH}&customerId=a&dimensionId=calls&limit=1`;
/** Each has a second page. */
const QUESTIONS = [
  `/usage?${MARCH}&limit=1`,
  `/usage?${MARCH}&window=day&groupBy=metadata.region&dimensionId=calls&limit=1`,
  `/records?${MARCH}&limit=1`,
  `/records?${MARCH}&order=desc&limit=1`,
  `/usage/explain?${CELL}`,
  `/usage/explain?${CELL}&signals=true`,
  '/quarantine?limit=1',
  '/quarantine/signals?limit=1',
  '/customers?limit=1',
  '/customers?sort=name&limit=1',
  '/customers?sort=lastSeen&order=desc&limit=1',
  '/dimensions?limit=1',
  '/dimensions?sort=lastSeen&limit=1',
  '/meters?limit=1',
  '/statements?limit=1',
  '/statements?sort=customerId&limit=1',
  '/statements?sort=from&limit=1',
  '/statements?sort=amount&order=asc&limit=1',
  '/adjustments?limit=1',
  '/audit?limit=1',
];

/** Of what 64 bits and a decimal hold, and one beyond; DuckDB has infinities there. */
const ENDS = ['9223372036854775807', '-9223372036854775808', '9223372036854775808', '9'.repeat(27)];

let dataDir: string;
let receiver: Receiver;
let api: ApiClient;
const cursors = new Map<string, string>();

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-cursors-'));
  receiver = await Receiver.start(readServerConfig({ port: '0', dataDir }, {}), quiet);
  await receiver.ready();
  api = new ApiClient(receiver.url);
  const done = async (reply: Promise<{ status: number; body: unknown }>) => {
    const { status, body } = await reply;
    expect(status, JSON.stringify(body)).toBeLessThan(300);
  };
  await done(api.put('/dimensions/calls', { unitPrice: '0.5' }));
  for (const id of ['one', 'two'])
    await done(
      api.put(`/meters/${id}`, {
        signals: ['logs'],
        match: { all: [{ path: 'body', eq: id }] },
        customer: 'attributes["c"]',
        dimension: 'calls',
      }),
    );
  const records = (day: number) =>
    ['a', 'b'].flatMap((customerId) =>
      ['calls', 'tokens'].flatMap((dimensionId) =>
        ['eu', 'us'].map((region) => ({
          customerId,
          dimensionId,
          recordValue: '1.5',
          timestamp: `2026-03-0${day}T00:00:00Z`,
          metadata: { region },
        })),
      ),
    );
  await done(api.post('/usage', records(2)));
  await done(api.put('/customers/a', { name: 'Acme' }));
  await done(api.put('/customers/b', { name: 'Bolt' }));
  await done(api.post('/periods/close', { from: '2026-03-01', to: '2026-04-01' }));
  await done(api.post('/usage', records(3)));
  await api.otlp('logs', {
    resourceLogs: [
      {
        scopeLogs: [
          {
            logRecords: ['calls', 'tokens'].map((dimension) => ({
              timeUnixNano: '1772323200000000000',
              attributes: [{ key: 'usage.dimension.id', value: { stringValue: dimension } }],
            })),
          },
        ],
      },
    ],
  });
  for (const question of QUESTIONS) {
    const { status, body } = await api.get(question);
    expect(status, `${question}: ${JSON.stringify(body)}`).toBe(200);
    expect(body.nextCursor, question).toEqual(expect.any(String));
    cursors.set(question, body.nextCursor);
  }
});
afterAll(async () => {
  await receiver.stop();
  rmSync(dataDir, { recursive: true });
});

const ask = (question: string, cursor: string) => api.get(`${question}&cursor=${encodeURIComponent(cursor)}`);

async function expectRefused(question: string, cursor: string, what: string): Promise<void> {
  const { status, body } = await ask(question, cursor);
  const said = `seed ${seed}: ${question} with ${what}: ${cursor} → ${JSON.stringify(body)}`;
  expect(status, said).toBe(400);
  expect(body.parameter, said).toBe('cursor');
}

/** The parts of a cursor, its check left out. */
function opened(cursor: string): [string, ...CursorPosition] {
  return JSON.parse(Buffer.from(cursor, 'base64url').toString()).slice(0, -1);
}
const closed = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');

describe.each(QUESTIONS)('%s', (question) => {
  test('its own cursor leads on', async () => {
    const { status, body } = await ask(question, cursors.get(question)!);
    expect(status, JSON.stringify(body)).toBe(200);
  });

  test('that of any other question is refused', async () => {
    // Whether signals are shown is no other question.
    for (const [other, cursor] of cursors)
      if (other.replace('&signals=true', '') !== question.replace('&signals=true', ''))
        await expectRefused(question, cursor, `the cursor of ${other}`);
  });

  test('so is one that was cut, altered, repeated or padded', async () => {
    const cursor = cursors.get(question)!;
    const bytes = Buffer.from(cursor, 'base64url');
    for (let round = 0; round < 8; round += 1) {
      const flipped = Buffer.from(bytes);
      flipped[random.integer(0, bytes.length - 1)] ^= 1 << random.integer(0, 7);
      await expectRefused(question, flipped.toString('base64url'), 'a bit flipped');
      await expectRefused(question, cursor.slice(0, random.integer(0, cursor.length - 1)), 'its end cut off');
      await expectRefused(question, cursor.slice(random.integer(1, cursor.length)), 'its begin cut off');
    }
    for (const [what, altered] of [
      ['twice', cursor + cursor],
      ['padded', `${cursor}=`],
      ['with a space', ` ${cursor}`],
      ['with what base64 leaves out', `${cursor.slice(0, 4)}!${cursor.slice(4)}`],
      ['huge', 'QQ'.repeat(4000)],
      ['empty', ''],
    ])
      await expectRefused(question, altered, what);
  });

  test('so is one of other types', async () => {
    const parts = opened(cursors.get(question)!);
    const [print, ...position] = parts;
    for (const other of [
      null,
      true,
      1,
      -1,
      1e308,
      '',
      [],
      {},
      [['x']],
      { 0: print, length: 9 },
      'null',
      [print],
    ])
      await expectRefused(question, closed(other), 'another type');
    for (const [at] of position.entries())
      for (const other of [1, 0.5, true, [], {}, ['1'], { toString: 'x' }]) {
        // The check is made of what has the type that is not allowed: only the type can be at fault.
        const forged = position.with(at, other as unknown as string);
        await expectRefused(question, cursorText(print, forged), `${JSON.stringify(other)} at ${at}`);
      }
  });

  test('one that was forged with its check is refused or answered, and no error', async () => {
    const [print, ...position] = opened(cursors.get(question)!);
    const hostile: (string | null)[] = [
      null,
      '',
      ' 1',
      '1e9',
      '0x10',
      '1.5',
      '-0',
      '-1',
      '9'.repeat(15),
      '9'.repeat(39),
      '1'.repeat(26),
      `${'9'.repeat(26)}.${'9'.repeat(12)}`,
      '340282366920938463463374607431768211455',
      "1' OR 1=1 --",
      '$1',
      '\u0000',
      '\ud800',
      'NaN',
      'Infinity',
      'x'.repeat(3000),
      ...hostileTexts().map((text) => text.slice(0, 500)),
    ];
    const forge = async (forged: CursorPosition) => {
      const { status, body } = await ask(question, cursorText(print, forged));
      const said = `seed ${seed}: ${question} with ${JSON.stringify(forged)} → ${JSON.stringify(body)}`;
      expect([200, 400], said).toContain(status);
      if (status === 400) expect(body.parameter, said).toBe('cursor');
    };
    for (const [at] of position.entries())
      for (const other of [...ENDS, ...random.shuffled(hostile).slice(0, 8)])
        await forge(position.with(at, other));
    await forge([]);
    await forge([...position, 'x']);
    await forge(position.slice(1));
    for (let round = 0; round < 10; round += 1)
      await forge(position.map((part) => (random.chance(0.5) ? random.pick([...ENDS, ...hostile]) : part)));
  });
});
