/** Reasons for quarantine in the receiver's own words, which are the same on every page. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { AnswerOf } from '../api/client.ts';
import { answer } from '../api/query.ts';

export type ReasonText = AnswerOf<'GET /api/v1/quarantine/reasons'>['rows'][number];

/** The texts of a code; undefined until they are there. They are asked for once. */
export function useReasonText(): (code: string) => ReasonText | undefined {
  const { data } = useQuery({
    ...answer('GET /api/v1/quarantine/reasons', {}),
    // No change of the page makes them others; where they did not come they are asked for again.
    staleTime: ({ state }) => (state.data === undefined ? 0 : 'static'),
  });
  return (code) => data?.rows.find(({ reason }) => reason === code);
}

/** The title of a code; until it is there, the code in words. */
export function useReasonTitle(): (code: string) => string {
  const textOf = useReasonText();
  return (code) => textOf(code)?.title ?? code.replaceAll('_', ' ');
}

export function ReasonTitle({ code }: { code: string }): ReactNode {
  return useReasonTitle()(code);
}
