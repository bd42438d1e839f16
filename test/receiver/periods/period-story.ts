/**
 * A random story of usage and billing: records that come late and out of order, voids, amendments, signals that are
 * replayed or corrected, prices that change, customers that become one, periods that are closed, re-opened and closed
 * again, restarts, and at its end a rebuild from the journal. After each chapter all that is stated and pending is held
 * against a model.
 */
import { expect } from 'vitest';
import { FRAME_LOGS, PLAIN_JSON } from '../../../receiver/frames.ts';
import {
  decimal,
  type ModelMeasure,
  type ModelRange,
  type ModelRecord,
  type ModelTerms,
  modelUsage,
  remaining,
  scaled,
} from '../../model/period-model.ts';
import type { Random } from '../../support/random.ts';
import { logRequest } from '../../system/api/api-client.ts';
import { ApiServer } from '../http/api-server.ts';

const UNIT = 10n ** 12n;
const MONTHS = [
  '2026-01-01',
  '2026-01-16',
  '2026-02-01',
  '2026-03-01',
  '2026-03-16',
  '2026-04-01',
  '2026-05-01',
];
const FIRST = nano('2026-01-01');
const SPAN = nano('2026-05-01') - FIRST;
const CUSTOMERS = ['ada', 'bob', 'cy', 'cy-old'];
const DIMENSIONS = {
  calls: 'sum',
  gigabytes: 'sum',
  jobs: 'count',
  peak: 'max',
  load: 'average',
  users: 'unique',
  seats: 'time_weighted',
} as const;
type DimensionId = keyof typeof DIMENSIONS;

export interface StoryOutcome {
  records: number;
  corrections: number;
  replays: number;
  closes: number;
  refusedCloses: number;
  reopens: number;
  statements: number;
  statedAdjustments: number;
  pendingAdjustments: number;
  merges: number;
  restarts: number;
}

/** A statement as the API says it. */
interface SaidStatement {
  id: string;
  customerId: string;
  from: string;
  to: string;
  hash: string;
  previousHash: string | null;
  asOfSequence: number;
  lines: SaidMeasure[];
  adjustments: (SaidMeasure & { from: string; to: string })[];
  reopened: object | null;
}

interface SaidMeasure {
  dimensionId: string;
  quantity: string;
  billableQuantity: string;
  unitPrice: string | null;
  amount: string | null;
  terms: { aggregation: string; usageIncrement: string | null; rounding: string | null };
}

/** @throws AssertionError where anything does not add up */
export async function tellStory(random: Random): Promise<StoryOutcome> {
  const story = new Story(await ApiServer.start(), random);
  try {
    await story.declare();
    const chapters = random.integer(6, 9);
    for (let chapter = 0; chapter < chapters; chapter++) {
      const events = random.integer(5, 20);
      for (let event = 0; event < events; event++) await story.happen();
      await story.check();
    }
    await story.rebuild();
    await story.check();
    await story.checkAsOf();
    return story.outcome;
  } finally {
    await story.server.stop();
  }
}

class Story {
  readonly server: ApiServer;
  readonly outcome: StoryOutcome = {
    records: 0,
    corrections: 0,
    replays: 0,
    closes: 0,
    refusedCloses: 0,
    reopens: 0,
    statements: 0,
    statedAdjustments: 0,
    pendingAdjustments: 0,
    merges: 0,
    restarts: 0,
  };
  readonly #random: Random;
  /** By record id. */
  readonly #records = new Map<string, ModelRecord>();
  /** Signals that name no customer, until somebody says which; and credits that are not allowed yet. */
  #unattributed: ModelRecord[] = [];
  #credits: ModelRecord[] = [];
  #replayed: ModelRecord[] = [];
  readonly #terms = new Map<string, ModelTerms>();
  /** Statements as they were answered first, in the order in which they were made. */
  readonly #statements: SaidStatement[] = [];
  readonly #reopened = new Set<string>();
  readonly #owners = new Map<string, string>();
  #times = 0n;

  constructor(server: ApiServer, random: Random) {
    this.server = server;
    this.#random = random;
  }

  async declare(): Promise<void> {
    for (const id of Object.keys(DIMENSIONS) as DimensionId[]) await this.#declareDimension(id);
    for (const id of CUSTOMERS.slice(0, 2)) await this.#made('POST', '/customers', { id });
  }

  async happen(): Promise<void> {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.44) await this.#record();
    else if (dice < 0.52) await this.#correct();
    else if (dice < 0.56) await this.#quarantine();
    else if (dice < 0.6) await this.#replay();
    else if (dice < 0.65) await this.#declareDimension(random.pick(Object.keys(DIMENSIONS) as DimensionId[]));
    else if (dice < 0.82) await this.#close();
    else if (dice < 0.86) await this.#closeAll();
    else if (dice < 0.94) await this.#reopen();
    else if (dice < 0.98) await this.#merge();
    else {
      await this.server.restart();
      this.outcome.restarts += 1;
    }
  }

  /** Another price, increment and rounding; the aggregation stays. */
  async #declareDimension(id: DimensionId): Promise<void> {
    const random = this.#random;
    const terms: ModelTerms = {
      aggregation: DIMENSIONS[id],
      usageIncrement: random.chance(0.5) ? random.pick([1n * UNIT, 10n * UNIT, UNIT / 4n]) : null,
      rounding: random.pick([null, 'floor', 'ceiling', 'round'] as const),
      unitPrice: random.chance(0.7) ? BigInt(random.integer(1, 5000)) * (UNIT / 1000n) : null,
    };
    this.#terms.set(id, terms);
    await this.#made('PUT', `/dimensions/${id}`, {
      aggregation: terms.aggregation,
      ...(terms.aggregation === 'unique' ? { uniqueKey: 'user' } : {}),
      usageIncrement: terms.usageIncrement === null ? null : decimal(terms.usageIncrement),
      rounding: terms.rounding,
      unitPrice: terms.unitPrice === null ? null : decimal(terms.unitPrice),
      creditsAllowed: id === 'calls',
    });
  }

  #randomRecord(): ModelRecord {
    const random = this.#random;
    // No two have one time, so that no level is ambiguous.
    this.#times += 1n;
    return {
      customer: random.pick(CUSTOMERS),
      dimension: random.pick(Object.keys(DIMENSIONS)),
      value: BigInt(random.integer(0, 4000)) * (UNIT / 40n),
      time: FIRST + (SPAN * BigInt(random.integer(0, 9_999))) / 10_000n + this.#times,
      user: random.pick(['u1', 'u2', 'u3']),
      counts: true,
    };
  }

  async #record(): Promise<void> {
    const batch = Array.from({ length: this.#random.integer(1, 6) }, () => this.#randomRecord());
    const body = await this.#made('POST', '/usage', batch.map(sent));
    for (const [i, record] of batch.entries()) this.#records.set(body.records[i].recordId, record);
    this.outcome.records += batch.length;
  }

  async #correct(): Promise<void> {
    const random = this.#random;
    const counting = [...this.#records].filter(([, { counts }]) => counts);
    if (counting.length === 0) return;
    const [id, record] = random.pick(counting);
    record.counts = false;
    this.outcome.corrections += 1;
    if (random.chance(0.5)) {
      await this.#made('POST', `/records/${id}/void`, { reason: 'story' });
      return;
    }
    const replacement = this.#randomRecord();
    const { timestamp, recordValue, customerId, dimensionId, metadata } = sent(replacement);
    const fields = { timestamp, recordValue, customerId, dimensionId, metadata };
    const body = await this.#made('POST', `/records/${id}/amend`, { reason: 'story', ...fields });
    this.#records.set(body.replacement.recordId, replacement);
  }

  async #quarantine(): Promise<void> {
    const record = { ...this.#randomRecord(), dimension: this.#random.pick(['gigabytes', 'jobs', 'peak']) };
    const isCredit = this.#random.chance(0.5);
    if (isCredit) record.value = -record.value - UNIT;
    const attributes: Record<string, string> = {
      'usage.dimension.id': record.dimension,
      'usage.value': decimal(record.value),
      'usage.event.id': `event-${record.time}`,
      user: record.user,
      ...(isCredit ? { 'usage.customer.id': record.customer } : {}),
    };
    const body = Buffer.from(JSON.stringify(logRequest([{ attributes, timeUnixNano: record.time }])));
    await this.server.ingest.signals(FRAME_LOGS, body, PLAIN_JSON);
    (isCredit ? this.#credits : this.#unattributed).push(record);
  }

  async #replay(): Promise<void> {
    this.outcome.replays += 1;
    if (this.#random.chance(0.5)) {
      if (this.#unattributed.length === 0) return;
      const customerId = this.#random.pick(CUSTOMERS);
      await this.#made('POST', '/quarantine/replay', {
        reason: 'missing_customer',
        correction: { customerId },
      });
      // A correction that is still at fault stays where it is.
      for (const record of this.#unattributed) this.#replayed.push({ ...record, customer: customerId });
      this.#unattributed = [];
      return;
    }
    if (this.#credits.length === 0) return;
    const dimension = this.#random.pick(this.#credits).dimension as DimensionId;
    await this.#declareDimension(dimension);
    await this.#made('PUT', `/dimensions/${dimension}`, {
      ...(await this.#made('GET', `/dimensions/${dimension}`)),
      discovered: undefined,
      managedBy: undefined,
      creditsAllowed: true,
    });
    await this.#made('POST', '/quarantine/replay', { reason: 'credits_not_allowed', dimensionId: dimension });
    this.#replayed.push(...this.#credits.filter((record) => record.dimension === dimension));
    this.#credits = this.#credits.filter((record) => record.dimension !== dimension);
    await this.#declareDimension(dimension);
  }

  async #close(): Promise<void> {
    const random = this.#random;
    const first = random.integer(0, MONTHS.length - 2);
    let from = MONTHS[first];
    let to = MONTHS[random.integer(first + 1, Math.min(first + 2, MONTHS.length - 1))];
    let customerId = random.pick(CUSTOMERS);
    const reopened = this.#statements.filter(({ id }) => this.#reopened.has(id));
    if (reopened.length > 0 && random.chance(0.4)) ({ customerId, from, to } = random.pick(reopened));
    const { status, body } = await this.server.client.post('/periods/close', { customerId, from, to });
    if (status === 201) {
      this.#noteStatement(body);
      this.outcome.closes += 1;
    } else if (status === 200) {
      const known = this.#statements.find(({ id }) => id === body.id);
      expect(body).toEqual(known);
    } else {
      expect([404, 409]).toContain(status);
      this.outcome.refusedCloses += 1;
    }
  }

  async #closeAll(): Promise<void> {
    const first = this.#random.integer(0, MONTHS.length - 2);
    const period = { from: MONTHS[first], to: MONTHS[first + 1] };
    const { closed } = await this.#made('POST', '/periods/close', period);
    const { rows } = await this.#made('GET', '/statements');
    const known = new Set(this.#statements.map(({ id }) => id));
    const fresh = rows.filter(({ id }: SaidStatement) => !known.has(id)).reverse();
    expect(fresh).toHaveLength(closed);
    for (const { id } of fresh) this.#noteStatement(await this.#made('GET', `/statements/${id}`));
    this.outcome.closes += closed;
  }

  /** Its lines are the usage of this moment by the terms of this moment. */
  #noteStatement(statement: SaidStatement): void {
    const range = rangeOf(statement);
    const records = this.#recordsOf(this.#owner(statement.customerId));
    for (const line of statement.lines) {
      const terms = this.#terms.get(line.dimensionId)!;
      expect(termsOf(line)).toEqual(terms);
      const own = records.filter(({ dimension }) => dimension === line.dimensionId);
      expect(measureOf(line)).toEqual(modelUsage(own, [range], terms));
    }
    // The customer's statements are a chain, in which those of a customer that it has taken over have their place.
    const owner = this.#owner(statement.customerId);
    const before = this.#statements.findLast((other) => this.#owner(other.customerId) === owner);
    expect(statement.previousHash).toBe(before?.hash ?? null);
    this.#statements.push(statement);
    this.outcome.statements += 1;
    this.outcome.statedAdjustments += statement.adjustments.length;
  }

  async #reopen(): Promise<void> {
    const valid = this.#statements.filter(({ id }) => !this.#reopened.has(id));
    if (valid.length === 0) return;
    const { id } = this.#random.pick(valid);
    const body = await this.#made('POST', `/statements/${id}/reopen`, { note: 'story' });
    const known = this.#statements.find((statement) => statement.id === id)!;
    expect(body).toEqual({ ...known, reopened: expect.objectContaining({ note: 'story' }) });
    known.reopened = body.reopened;
    this.#reopened.add(id);
    this.outcome.reopens += 1;
  }

  async #merge(): Promise<void> {
    // More to see where both have statements, perhaps of periods that overlap.
    const has = (customer: string) => this.#statements.some(({ customerId }) => customerId === customer);
    if (this.#owners.size > 0 || !has('cy') || !has('cy-old')) return;
    await this.#made('PUT', '/customers/cy', { aliases: ['cy-old'] });
    this.#owners.set('cy-old', 'cy');
    this.outcome.merges += 1;
  }

  #owner(customer: string): string {
    return this.#owners.get(customer) ?? customer;
  }

  #recordsOf(owner: string): ModelRecord[] {
    return [...this.#records.values(), ...this.#replayed].filter(
      ({ customer, counts }) => counts && this.#owner(customer) === owner,
    );
  }

  /** Everything that is stated and pending, of each customer, period and dimension, is the usage. */
  async check(): Promise<void> {
    const { rows: pending } = await this.#made('GET', '/adjustments');
    this.outcome.pendingAdjustments += pending.length;
    const shown = (await this.#made('GET', '/statements')).rows.map(({ id }: SaidStatement) => id);
    expect(shown).toEqual(this.#statements.map(({ id }) => id).reverse());
    const owners = new Set(CUSTOMERS.map((customer) => this.#owner(customer)));
    for (const owner of owners) {
      const valid = this.#statements.filter(
        ({ id, customerId }) => !this.#reopened.has(id) && this.#owner(customerId) === owner,
      );
      const records = this.#recordsOf(owner);
      const closed: ModelRange[] = [];
      for (const statement of valid) {
        const range = rangeOf(statement);
        if (closed.some(({ from, to }) => from === range.from && to === range.to)) continue;
        const parts = remaining(range, closed);
        closed.push(range);
        const isOf = (said: { from: string; to: string }) =>
          said.from === statement.from && said.to === statement.to;
        const stated: SaidMeasure[] = [
          ...valid.filter(isOf).flatMap(({ lines }) => lines),
          ...valid.flatMap(({ adjustments }) => adjustments.filter(isOf)),
        ];
        const open = pending.filter(
          (row: SaidStatement) => row.customerId === owner && isOf(row),
        ) as SaidMeasure[];
        for (const dimension of Object.keys(DIMENSIONS)) {
          const said = stated.filter(({ dimensionId }) => dimensionId === dimension);
          const terms = said.length === 0 ? this.#terms.get(dimension)! : termsOf(said[0]);
          const own = records.filter((record) => record.dimension === dimension);
          const usage = modelUsage(own, parts, terms);
          const total = [...said, ...open.filter(({ dimensionId }) => dimensionId === dimension)]
            .map(measureOf)
            .reduce(sum, { quantity: 0n, billable: 0n, amount: 0n });
          expect({ owner, from: statement.from, to: statement.to, dimension, ...total }).toEqual({
            owner,
            from: statement.from,
            to: statement.to,
            dimension,
            ...usage,
          });
        }
      }
      // Nothing is pending of a period that is open.
      for (const row of pending.filter(({ customerId }: SaidStatement) => customerId === owner))
        expect(closed).toContainEqual(rangeOf(row));
    }
  }

  /** What was known at a statement's position can still be asked for, and is what it says. */
  async checkAsOf(): Promise<void> {
    const isMerged = new Set([...this.#owners].flat());
    for (const { customerId, from, to, asOfSequence, lines } of this.#statements) {
      // Usage that has another owner since was another's then.
      if (isMerged.has(customerId)) continue;
      const question = new URLSearchParams({ customerId, from, to, asOf: String(asOfSequence) });
      const { rows } = await this.#made('GET', `/usage?${question}`);
      const quantities = (stated: SaidMeasure[]) =>
        stated.map(({ dimensionId, quantity }) => `${dimensionId} ${quantity}`).sort();
      expect(quantities(rows)).toEqual(quantities(lines));
    }
  }

  /** A ledger that is made anew from the journal says the same, to the byte. */
  async rebuild(): Promise<void> {
    const said = () =>
      this.server.askLedger([
        'SELECT id, customer_id, content, hash, sequence, reopened_by FROM stored.statements ORDER BY sequence, ordinal',
        'FROM stored.stated ORDER BY ALL',
        'FROM stored.changes ORDER BY sequence, ordinal',
      ]);
    const before = await said();
    await this.server.rebuild();
    expect(await said()).toEqual(before);
    for (const statement of this.#statements)
      expect(await this.#made('GET', `/statements/${statement.id}`)).toEqual(statement);
  }

  async #made(method: string, path: string, body?: unknown) {
    const reply = await this.server.client.send(method, path, body);
    if (reply.status >= 300)
      throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }
}

function sent({ customer, dimension, value, time, user }: ModelRecord) {
  return {
    customerId: customer,
    dimensionId: dimension,
    recordValue: decimal(value),
    timestamp: `${new Date(Number(time / 1_000_000_000n) * 1000).toISOString().slice(0, 19)}.${(time % 1_000_000_000n).toString().padStart(9, '0')}Z`,
    metadata: { user },
  };
}

function rangeOf({ from, to }: { from: string; to: string }): ModelRange {
  return { from: nano(from), to: nano(to) };
}

function nano(text: string): bigint {
  return BigInt(Date.parse(text)) * 1_000_000n;
}

function measureOf({ quantity, billableQuantity, amount }: SaidMeasure): ModelMeasure {
  return {
    quantity: scaled(quantity, 12),
    billable: scaled(billableQuantity, 12),
    amount: scaled(amount, 24),
  };
}

function termsOf({ terms, unitPrice }: SaidMeasure): ModelTerms {
  return {
    aggregation: terms.aggregation as ModelTerms['aggregation'],
    usageIncrement: terms.usageIncrement === null ? null : scaled(terms.usageIncrement, 12),
    rounding: terms.rounding as ModelTerms['rounding'],
    unitPrice: unitPrice === null ? null : scaled(unitPrice, 12),
  };
}

function sum(a: ModelMeasure, b: ModelMeasure): ModelMeasure {
  return {
    quantity: a.quantity + b.quantity,
    billable: a.billable + b.billable,
    amount: a.amount + b.amount,
  };
}
