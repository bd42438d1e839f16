/** Meter rules: what people write (meter-rule.ts), what becomes of it (compile.ts), and rules ready made (packs.ts). */
export { compileMeter, resourceCustomerPaths } from './compile.ts';
export { MeterRule, type MeterRuleInput, parseMeterRule } from './meter-rule.ts';
export { PACK_NAMES, PACK_OPTIONS, type Pack, type PackName, pack } from './packs.ts';
