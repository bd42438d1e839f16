/**
 * Changes of state that people make, as the journal keeps them and as the ledger applies them.
 *
 * A change frame holds a {@link ChangeRequest} as JSON. Its interpretation may need what only the journal's order
 * tells (a meter's version, when it began): the ledger gets {@link LedgerChange}s, which have it.
 */
import { z } from 'zod';
import { decimalText } from './decimal-text.ts';
import { StatementContent } from './periods/statement-content.ts';
import { CustomerDeclaration, DimensionDeclaration, ResourceId } from './resources.ts';

const managedBy = z.enum(['api', 'file']);

/** What holds for all meters. */
export const Settings = z.strictObject({
  /** Usage for customers and dimensions that nobody declared creates them; else it is quarantined. */
  discovery: z.boolean(),
  /** A signal further than this after its arrival is `time_in_future`. */
  maxFutureSeconds: z
    .int()
    .min(0)
    .max(366 * 86_400),
});
export type Settings = z.infer<typeof Settings>;

export const DEFAULT_SETTINGS: Settings = { discovery: true, maxFutureSeconds: 600 };

/** A quarantined signal: the frame that first brought it, its place there, and the meter that claimed it. */
export const SignalReference = z.strictObject({
  sequence: z.int().positive(),
  ordinal: z.int().min(0),
  meterId: z.string(),
});
export type SignalReference = z.infer<typeof SignalReference>;

/** What a person says a quarantined signal should have been. Fields that are absent stay as they came. */
export const SignalCorrection = z.strictObject({
  customerId: ResourceId.optional(),
  dimensionId: ResourceId.optional(),
  /** In the dimension's unit. */
  recordValue: decimalText.optional(),
  /** Unix nanoseconds as text. */
  timeUnixNano: z
    .string()
    .regex(/^\d{1,19}$/)
    .optional(),
  /** Unix nanoseconds as text; "0" for none. */
  startUnixNano: z
    .string()
    .regex(/^\d{1,19}$/)
    .optional(),
});
export type SignalCorrection = z.infer<typeof SignalCorrection>;

/** A usage record by hand, resolved: nothing is left to a default. */
export const RecordInput = z.strictObject({
  customerId: ResourceId,
  dimensionId: ResourceId,
  recordValue: decimalText,
  /** Unix nanoseconds as text. */
  timeUnixNano: z.string().regex(/^\d{1,19}$/),
  /** Unix nanoseconds as text; "0" for none. */
  startUnixNano: z.string().regex(/^\d{1,19}$/),
  metadata: z.record(z.string(), z.string()),
  /** What makes a repetition the same record; null: each one counts. */
  id: z.string().nullable(),
});
export type RecordInput = z.infer<typeof RecordInput>;

/** One change as it stands in the journal. */
export const Change = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('customer_put'), customer: CustomerDeclaration, managedBy }),
  z.strictObject({ type: z.literal('customer_deleted'), id: ResourceId }),
  z.strictObject({ type: z.literal('dimension_put'), dimension: DimensionDeclaration, managedBy }),
  z.strictObject({
    type: z.literal('dimension_deleted'),
    id: ResourceId,
    /** The unit of the usage that it has: usage that comes for it again has to be in this one. Absent where it has none. */
    keptUnit: z.string().optional(),
  }),
  /** The rule is a MeterRule (receiver/metering/rules), which has its own schema. */
  z.strictObject({
    type: z.literal('meter_put'),
    id: z.string(),
    rule: z.record(z.string(), z.unknown()),
    managedBy,
  }),
  z.strictObject({ type: z.literal('meter_deleted'), id: z.string() }),
  z.strictObject({ type: z.literal('settings_put'), settings: Settings }),
  /** Quarantined signals that shall not be counted: those named, or all that match and came up to this frame. */
  z.strictObject({
    type: z.literal('quarantine_dismissed'),
    signals: z.array(SignalReference).nullable(),
    reason: z.string().nullable(),
    meterId: z.string().nullable(),
    /** undefined: any; null: signals that name none. */
    dimensionId: z.string().nullable().optional(),
    customerId: z.string().nullable().optional(),
    note: z.string().min(1),
  }),
  /** Judges quarantined signals again by what is known now, or counts them as the correction says. */
  z.strictObject({
    type: z.literal('quarantine_replayed'),
    signals: z.array(SignalReference),
    correction: SignalCorrection.nullable(),
    note: z.string().nullable(),
  }),
  /** A record that counts no more, and what counts in its place. */
  z.strictObject({
    type: z.literal('record_corrected'),
    recordId: z.string(),
    /** The record's own time, to find it. */
    timeUnixNano: z.string(),
    reason: z.string().min(1),
    replacement: RecordInput.nullable(),
  }),
  /** A statement was made: whatever is known later, this is what it says. */
  z.strictObject({ type: z.literal('period_closed'), statement: StatementContent, hash: z.string() }),
  /** A statement that states nothing any more. */
  z.strictObject({ type: z.literal('statement_reopened'), id: z.string(), note: z.string().min(1) }),
]);
export type Change = z.infer<typeof Change>;

/** The payload of a change frame. All of it takes effect, or nothing. */
export const ChangeRequest = z.strictObject({
  changes: z.array(Change).min(1),
  /** Who asked for it: `key:` and the begin of a hash of an API key, `file` or `local`. Older frames have none. */
  actor: z.string().max(200).optional(),
});
export type ChangeRequest = z.infer<typeof ChangeRequest>;

/**
 * What the ledger applies. Deleted customers and dimensions that have usage keep it and their key; they are unknown
 * until somebody declares or discovers them again.
 */
export type LedgerChange =
  | Exclude<Change, { type: 'meter_put' | 'quarantine_replayed' }>
  | {
      type: 'meter_put';
      id: string;
      /** 1 for the first rule that the id ever had. */
      version: number;
      /** JSON. */
      rule: string;
      managedBy: 'api' | 'file';
      /** See SlotDefinition.sinceUnixNano. */
      sinceUnixNano: bigint;
    }
  /**
   * These leave quarantine as they are: the batch's rows are what has become of them, and go back there where they
   * still cannot be counted, first seen as before.
   */
  | { type: 'quarantine_rejudged'; signals: SignalReference[] }
  /** These are counted by the batch's rows as a person said. They stay known, so that they are not listed again. */
  | { type: 'quarantine_corrected'; signals: SignalReference[]; note: string | null };
