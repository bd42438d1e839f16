/**
 * Regular expressions of rules. RE2's syntax and its promise: time linear in the text, whatever the pattern, so that
 * nobody who sends signals can make a pattern hang (https://github.com/google/re2/wiki/Syntax; no back-references, no
 * look-around).
 */
import { RE2JS } from 're2js';

export const MAX_PATTERN_LENGTH = 1000;
/** Instructions of the compiled pattern: the factor of the linear time. */
export const MAX_PROGRAM_SIZE = 1000;
/** A longer text is not searched, and does not match. */
export const MAX_SEARCHED_LENGTH = 32_768;

/** Texts whose answer is remembered, for values that come again and again: routes, names, levels. */
const REMEMBERED_TEXTS = 256;
const REMEMBERED_LENGTH = 64;

/** @returns a search for the pattern anywhere in a text, or what is wrong with the pattern */
export function compilePattern(pattern: string): ((text: string) => boolean) | { problem: string } {
  if (pattern.length > MAX_PATTERN_LENGTH)
    return { problem: `must have at most ${MAX_PATTERN_LENGTH} characters` };
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    return { problem: `is no RE2 pattern: ${(error as Error).message}` };
  }
  if (compiled.programSize() > MAX_PROGRAM_SIZE)
    return {
      problem: `is too large: ${compiled.programSize()} instructions, at most ${MAX_PROGRAM_SIZE} are allowed`,
    };
  const remembered = new Map<string, boolean>();
  return (text) => {
    if (text.length > MAX_SEARCHED_LENGTH) return false;
    if (text.length > REMEMBERED_LENGTH) return compiled.test(text);
    let found = remembered.get(text);
    if (found === undefined) {
      found = compiled.test(text);
      if (remembered.size >= REMEMBERED_TEXTS) remembered.clear();
      remembered.set(text, found);
    }
    return found;
  };
}
