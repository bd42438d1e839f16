/** The rule to be tested: a file of its own, or one of the meters of a usage-meter.yaml. */
import {
  type ConfigFile,
  ConfigFileShape,
  parseConfigFile,
  parseRuleFile,
  readConfigText,
} from '../../receiver/config-file.ts';
import type { MeterRule } from '../../receiver/metering/rules/index.ts';
import { YamlDocument } from '../../receiver/yaml-document.ts';
import { UsageError } from '../usage-error.ts';

export interface RuleFile {
  rule: MeterRule;
  /** What else the file declares; null where it is the rule alone. */
  config: ConfigFile | null;
}

/**
 * @param meterId of which meter, where the file has several
 * @throws ConfigError with every problem and its line; UsageError where it is open which meter is meant
 */
export function readRuleFile(path: string, meterId: string | undefined): RuleFile {
  const text = readConfigText(path);
  if (!isConfigFile(new YamlDocument(text).value)) {
    const rule = parseRuleFile(path, text);
    if (meterId !== undefined && meterId !== rule.id)
      throw new UsageError(`${path} is the rule of meter "${rule.id}", not of "${meterId}"`);
    return { rule, config: null };
  }
  const config = parseConfigFile(path, text);
  const ids = config.meters.map(({ id }) => id);
  if (ids.length === 0) throw new UsageError(`${path} declares no meters`);
  if (meterId === undefined && ids.length > 1)
    throw new UsageError(`say with --meter which one is meant: ${path} declares ${ids.join(', ')}`);
  const rule = config.meters.find(({ id }) => id === (meterId ?? ids[0]));
  if (rule === undefined)
    throw new UsageError(`${path} declares no meter "${meterId}", only ${ids.join(', ')}`);
  return { rule, config };
}

/** No rule has a key that is a section of the file, and a rule without any of its keys is none. */
function isConfigFile(root: unknown): boolean {
  if (typeof root !== 'object' || root === null || Array.isArray(root)) return false;
  const sections = Object.keys(ConfigFileShape.shape);
  return Object.keys(root).some((key) => sections.includes(key));
}
