/** Why a record by hand cannot be counted, in words for its sender. Pure. */
import type { RecordInput } from '../../storage/changes.ts';
import type { QuarantineCode } from '../../storage/quarantine-codes.ts';
import type { Registry } from '../metering/registry.ts';
import type { FieldError } from './problem.ts';

/** @param path of the record in the body; empty for the body itself */
export function refusalErrors(
  reason: QuarantineCode,
  record: Pick<RecordInput, 'customerId' | 'dimensionId' | 'recordValue'>,
  path: string,
  registry: Registry,
): FieldError[] {
  const { field, message } = refusal(reason, record, registry);
  return [{ path: path === '' ? field : `${path}.${field}`, message, reason }];
}

function refusal(
  reason: QuarantineCode,
  { customerId, dimensionId, recordValue }: Pick<RecordInput, 'customerId' | 'dimensionId' | 'recordValue'>,
  registry: Registry,
): { field: string; message: string } {
  const dimension = JSON.stringify(dimensionId);
  switch (reason) {
    case 'time_zero':
      return { field: 'timestamp', message: 'must be after 1970-01-01T00:00:00Z' };
    case 'start_after_time':
      return { field: 'startTime', message: 'must not be after timestamp' };
    case 'time_in_future':
      return {
        field: 'timestamp',
        message: `must not be more than ${registry.settings.maxFutureSeconds} s in the future`,
      };
    case 'unknown_dimension':
      return {
        field: 'dimensionId',
        message: `${dimension} is not declared, and discovery is off: POST it to /api/v1/dimensions first`,
      };
    case 'unknown_customer':
      return {
        field: 'customerId',
        message: `${JSON.stringify(customerId)} is not declared, and discovery is off: POST it to /api/v1/customers first`,
      };
    case 'credits_not_allowed':
      return {
        field: 'recordValue',
        message: `is negative (${recordValue}), and dimension ${dimension} does not allow credits: declare it with creditsAllowed`,
      };
    default:
      return { field: 'recordValue', message: `cannot be counted: ${reason}` };
  }
}
