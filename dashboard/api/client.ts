/** The receiver that this page came from. */
import { UsageMeterClient } from '../../client/index.ts';
import { apiKey } from './key.ts';

export type {
  AnswerOf,
  ListName,
  OperationName,
  Problem,
  RequestOptions,
  RowOf,
} from '../../client/index.ts';
export { UsageMeterError } from '../../client/index.ts';

/** A client with the key of this moment. */
export function receiver(): UsageMeterClient {
  const key = apiKey();
  return new UsageMeterClient({ url: location.origin, ...(key === null ? {} : { apiKey: key }) });
}
