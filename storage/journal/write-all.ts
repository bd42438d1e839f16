/** Writes that end only when every byte is taken. */
import type { FileHandle } from 'node:fs/promises';

/**
 * Writes all buffers from a position on. One call of the system where it takes everything; a disk that fills up
 * takes a part first and refuses only the rest.
 */
export async function writeAll(
  handle: FileHandle,
  buffers: readonly Buffer[],
  position: number,
): Promise<void> {
  let rest = buffers;
  let bytes = rest.reduce((sum, buffer) => sum + buffer.length, 0);
  for (;;) {
    const { bytesWritten } = await handle.writev(rest, position);
    bytes -= bytesWritten;
    if (bytes === 0) return;
    if (bytesWritten === 0) throw new Error('the disk takes no more bytes');
    position += bytesWritten;
    let skip = bytesWritten;
    let whole = 0;
    while (skip >= rest[whole].length) skip -= rest[whole++].length;
    rest = [rest[whole].subarray(skip), ...rest.slice(whole + 1)];
  }
}
