/** How much room a disk has left. */
import { statfs } from 'node:fs/promises';

/** Bytes that a process without special rights can still write to the file system of this directory. */
export async function freeDiskBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
