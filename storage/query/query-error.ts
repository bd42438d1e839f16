/** The refusal of a question whose parameters cannot be understood: the caller's mistake, never the ledger's. */

export type QueryErrorCode =
  /** No parameter of this name exists. */
  | 'UNKNOWN_PARAMETER'
  /** A required parameter did not come. */
  | 'MISSING_PARAMETER'
  /** A parameter that stands once came several times. */
  | 'REPEATED_PARAMETER'
  /** The value is not of the parameter's form, or contradicts another parameter. */
  | 'INVALID_PARAMETER'
  /** The range has more windows than one answer may have. */
  | 'TOO_MANY_WINDOWS';

/** Becomes a 400. `message` names the parameter, what it must be and what came. */
export class QueryError extends Error {
  readonly code: QueryErrorCode;
  /** The parameter as the caller spells it: `from`, `metadata.region`. */
  readonly parameter: string;

  constructor(code: QueryErrorCode, parameter: string, message: string) {
    super(message);
    this.name = 'QueryError';
    this.code = code;
    this.parameter = parameter;
  }
}

/** What came, as it may stand in a message: quoted, and cut where it is long. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
