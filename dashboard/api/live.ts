/** What comes in, as it comes: the server-sent events of GET /api/v1/live, read by `fetch`, which can carry the key. */
import { useEffect, useRef, useState } from 'react';
import { type RowOf, receiver, UsageMeterError } from './client.ts';
import { forgetApiKey } from './key.ts';

export type LiveRecord = RowOf<'GET /api/v1/records'>;
/** Without `signal`: a listing by id has it. */
export type LiveSignal = Omit<RowOf<'GET /api/v1/quarantine/signals'>, 'signal'>;

/** `leftOut`: how many more came than are told. */
export type LiveEvent =
  | { type: 'records'; rows: LiveRecord[]; leftOut: number }
  | { type: 'quarantined'; rows: LiveSignal[]; leftOut: number };

/** `lost`: there is no connection, and it is tried again by itself. */
export type LiveState = 'connecting' | 'listening' | 'lost';

export interface LiveFilter {
  customerId?: string;
  dimensionId?: string;
}

const MAX_PAUSE_MS = 15_000;
/** A heartbeat comes after ten seconds: without anything for so long, nobody is there any more. */
const SILENCE_MS = 35_000;

/** Listens while the page is shown. @param onEvent the latest one is called */
export function useLive(filter: LiveFilter, onEvent: (event: LiveEvent) => void): LiveState {
  const [state, setState] = useState<LiveState>('connecting');
  const latest = useRef(onEvent);
  latest.current = onEvent;
  const { customerId, dimensionId } = filter;
  useEffect(() => {
    const stopped = new AbortController();
    const question = {
      ...(customerId === undefined ? {} : { customerId }),
      ...(dimensionId === undefined ? {} : { dimensionId }),
    };
    setState('connecting');
    void keepListening(question, stopped.signal, setState, (event) => latest.current(event));
    return () => stopped.abort();
  }, [customerId, dimensionId]);
  return state;
}

async function keepListening(
  query: LiveFilter,
  stopped: AbortSignal,
  onState: (state: LiveState) => void,
  onEvent: (event: LiveEvent) => void,
): Promise<void> {
  let failures = 0;
  while (!stopped.aborted) {
    try {
      await listen(
        query,
        stopped,
        () => {
          failures = 0;
          onState('listening');
        },
        onEvent,
      );
    } catch (error) {
      if (error instanceof UsageMeterError && error.status === 401) return forgetApiKey();
    }
    if (stopped.aborted) return;
    onState('lost');
    await pause(Math.min(MAX_PAUSE_MS, 500 * 2 ** failures), stopped);
    failures += 1;
  }
}

/** Until the connection ends. @throws whatever broke it */
async function listen(
  query: LiveFilter,
  stopped: AbortSignal,
  onOpen: () => void,
  onEvent: (event: LiveEvent) => void,
): Promise<void> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  try {
    const signal = AbortSignal.any([stopped, silent.signal]);
    const response = await receiver().respond('GET /api/v1/live', { query, signal });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      const parts = (text + value).split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const [, type, data] = /^event: (\w+)\ndata: (.*)$/m.exec(part) ?? [];
        if (type === 'listening') onOpen();
        if (type === 'records' || type === 'quarantined') onEvent({ type, ...JSON.parse(data) });
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

function pause(milliseconds: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    stopped.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
