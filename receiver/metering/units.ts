/**
 * When two units mean the same. UCUM annotations in braces ("{request}") carry no meaning of their own, and an
 * empty unit is 1. https://ucum.org/ucum §12; OpenTelemetry's metric conventions use them for counts.
 */

/** Whether values in `unit` can be added to a dimension kept in `dimensionUnit` as they are. */
export function isSameUnit(unit: string, dimensionUnit: string): boolean {
  return unit === dimensionUnit || withoutAnnotation(unit) === withoutAnnotation(dimensionUnit);
}

function withoutAnnotation(unit: string): string {
  return unit.replace(/\{[^{}]*\}/g, '') || '1';
}
