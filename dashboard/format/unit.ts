/** Units as people read them. (Pure.) */

/** UCUM's annotations without their braces, `{token}`; nothing for what is merely counted. */
export function unitText(unit: string): string {
  return unit === '1' ? '' : unit.replace(/^\{([^{}]+)\}$/, '$1');
}
