/** How many of something, in words. (Pure.) */
import { grouped } from './decimal.ts';

/** "1 signal", "2 signals". */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${grouped(`${count}`)} ${count === 1 ? one : several}`;
}
