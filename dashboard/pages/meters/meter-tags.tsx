/** What is special about a meter. */
import type { ReactNode } from 'react';
import { Tag } from '../../kit/tag.tsx';

export interface TaggedMeter {
  managedBy: 'api' | 'file' | 'builtin';
  deleted: boolean;
  enabled?: unknown;
}

export function MeterTags({ meter }: { meter: TaggedMeter }): ReactNode {
  return (
    <>
      {meter.managedBy === 'builtin' && <Tag title="Always there, and not to be changed">built in</Tag>}
      {meter.managedBy === 'file' && <Tag title="Declared in usage-meter.yaml">file</Tag>}
      {meter.deleted && (
        <Tag look="warn" title="It claims nothing any more; usage that it counted stays">
          deleted
        </Tag>
      )}
      {!meter.deleted && meter.enabled === false && (
        <Tag look="warn" title="It claims nothing until it is enabled">
          off
        </Tag>
      )}
    </>
  );
}
