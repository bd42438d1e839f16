/** One object per resource and scope that log records and spans come with, from request to request. */
import { decodeBlock } from './attribute-blocks.ts';
import { ByteInterner } from './attribute-interner.ts';
import { MAX_EVENT_PARTS, type SignalGroup } from './event-signals.ts';
import type { Attribute } from './metric-columns.ts';
import { WireReader } from './wire-reader.ts';

/** When {@link SignalGroups.trim} forgets everything. */
export interface SignalGroupLimits {
  /** Bytes of distinct attribute blocks; decoded, they are about twenty times as large. */
  bytes: number;
  /** Distinct groups. */
  groups: number;
  /** Characters of the names and versions of scopes. */
  characters: number;
}

const DEFAULT_LIMITS: SignalGroupLimits = { bytes: 4 * 1024 * 1024, groups: 20_000, characters: 4_000_000 };

/**
 * Groups by the bytes of their attributes: the same from another writer or in the other encoding may be another group.
 * So which object a group is makes it a place to keep things, not an identity.
 */
export class SignalGroups {
  /** Takes in the attributes of resources and scopes, whose ids {@link group} is asked with. */
  readonly interner: ByteInterner;
  private readonly limits: SignalGroupLimits;
  private readonly groups = new Map<string, SignalGroup>();
  /** By id, as many groups share a resource. */
  private readonly blocks = new Map<number, Block>();
  private readonly reader = new WireReader();
  private characters = 0;
  private epoch = 0;

  constructor(limits: Partial<SignalGroupLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.interner = new ByteInterner({ bytes: this.limits.bytes, entries: 2 * this.limits.groups + 1 });
  }

  /**
   * The group of a resource and a scope, whose attributes are blocks of {@link interner}.
   * @throws TooManySignalsError if one of them alone holds more attributes than a request may
   */
  group(resource: number, scopeName: string, scopeVersion: string, scope: number): SignalGroup {
    const key = `${resource} ${scope} ${scopeName.length} ${scopeName}${scopeVersion}`;
    let group = this.groups.get(key);
    if (group === undefined) {
      group = {
        resourceAttributes: this.block(resource).attributes,
        scopeName,
        scopeVersion,
        scopeAttributes: this.block(scope).attributes,
      };
      this.groups.set(key, group);
      this.characters += key.length;
    }
    return group;
  }

  /** Forgets all groups when there are more than the limits allow. Called between requests. */
  trim(): void {
    this.interner.trim();
    const { interner, limits, groups } = this;
    if (
      interner.epoch === this.epoch &&
      groups.size <= limits.groups &&
      this.characters <= limits.characters
    ) {
      return;
    }
    this.groups.clear();
    this.blocks.clear();
    this.characters = 0;
    this.epoch = interner.epoch;
  }

  /**
   * Attributes and values in a block: what it counts towards a request's limit, whether or not it is new here.
   * @throws TooManySignalsError
   */
  objects(id: number): number {
    return this.block(id).objects;
  }

  private block(id: number): Block {
    let block = this.blocks.get(id);
    if (block === undefined) {
      const { reader } = this;
      const bytes = this.interner.block(id);
      reader.open(bytes);
      reader.objectsLeft = MAX_EVENT_PARTS;
      const attributes = decodeBlock(reader, 0, bytes.length);
      block = { attributes, objects: MAX_EVENT_PARTS - reader.objectsLeft };
      this.blocks.set(id, block);
    }
    return block;
  }
}

interface Block {
  attributes: Attribute[];
  objects: number;
}
