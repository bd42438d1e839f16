/** Questions and changes as hooks: one for each operation of the API, by its name. */
import {
  keepPreviousData,
  MutationCache,
  QueryCache,
  QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
} from '@tanstack/react-query';
import {
  type AnswerOf,
  type OperationName,
  type RequestOptions,
  receiver,
  UsageMeterError,
} from './client.ts';
import { forgetApiKey } from './key.ts';

const MAX_RETRIES = 2;

function onError(error: Error): void {
  if (error instanceof UsageMeterError && error.status === 401) forgetApiKey();
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // The library's own would take a metadata key `__proto__` for none: other questions would share an answer.
        queryKeyHashFn: (key) => JSON.stringify(key),
        // What may pass by itself is asked again; what is wrong stays wrong.
        retry: (failures, error) =>
          failures < MAX_RETRIES && error instanceof UsageMeterError && error.retryable,
        retryDelay: (attempt, error) =>
          ((error as UsageMeterError).retryAfterSeconds ?? 2 ** attempt * 0.5) * 1000,
      },
    },
  });
}

export interface AnswerSettings {
  /** false asks nothing for now. */
  enabled?: boolean;
  /** Shows the last answer until the next one is there, as when one types a search. */
  keepPrevious?: boolean;
  /** Asks again by itself. */
  everyMs?: number;
}

/** The options of a question, for hooks and for prefetching. */
export function answer<Name extends OperationName>(
  name: Name,
  options: Omit<RequestOptions<Name>, 'signal'>,
  { enabled = true, keepPrevious = false, everyMs }: AnswerSettings = {},
) {
  return {
    queryKey: [name, options] as const,
    queryFn: ({ signal }: { signal: AbortSignal }): Promise<AnswerOf<Name>> =>
      receiver().request(name, { ...options, signal } as unknown as RequestOptions<Name> & object),
    enabled,
    ...(keepPrevious ? { placeholderData: keepPreviousData } : {}),
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  };
}

/** `const customers = useAnswer('GET /api/v1/customers', { query: { limit: 50 } })` */
export function useAnswer<Name extends OperationName>(
  name: Name,
  options: Omit<RequestOptions<Name>, 'signal'>,
  settings?: AnswerSettings,
): UseQueryResult<AnswerOf<Name>, UsageMeterError> {
  return useQuery(answer(name, options, settings)) as UseQueryResult<AnswerOf<Name>, UsageMeterError>;
}

/**
 * `const create = useChange('POST /api/v1/customers'); create.mutate({ body })`. When it is done, what the page shows is
 * asked for anew.
 */
export function useChange<Name extends OperationName>(
  name: Name,
): UseMutationResult<AnswerOf<Name>, UsageMeterError, Omit<RequestOptions<Name>, 'signal'>> {
  return useMutation<AnswerOf<Name>, UsageMeterError, Omit<RequestOptions<Name>, 'signal'>>({
    mutationFn: (options) =>
      receiver().request(name, options as unknown as RequestOptions<Name> & object) as Promise<
        AnswerOf<Name>
      >,
    onSuccess: async (_data, _variables, _result, { client }) => {
      await client.invalidateQueries();
    },
  });
}
