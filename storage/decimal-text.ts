/** Decimal numbers as text: what the API, the configuration and the journal take for a quantity. */
import { z } from 'zod';

const DECIMAL = /^-?\d{1,26}(\.\d{1,12})?$/;

/** Plain decimal text of at most 26 integer and 12 fraction digits: "12.5", "-3". */
export const decimalText = z
  .string()
  .regex(DECIMAL, 'must be a decimal of at most 26 integer and 12 fraction digits, like "12.5"');
