/** Which files an import reads: those named, and those that folders hold. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ImportError } from './import-error.ts';

export type FileFormat = 'csv' | 'tsv' | 'ndjson' | 'parquet';

export interface InputFile {
  /** As it was named, or below the folder that was. */
  path: string;
  format: FileFormat;
  isGzip: boolean;
  bytes: number;
}

const ENDING = /\.(csv|tsv|ndjson|jsonl|parquet)(\.gz)?$/i;
/** What an import writes itself. */
const REJECTS_ENDING = '.rejects.csv';

/**
 * Files in the order of the paths, those of a folder sorted by name, each once. In folders, hidden files, rejects files
 * and files of other endings are left out; links to files are followed, links to folders are not.
 * @throws ImportError "NO_INPUT" for a path that is missing, a named file of another ending, and when nothing is left
 */
export async function inputFiles(paths: readonly string[]): Promise<InputFile[]> {
  const files: InputFile[] = [];
  const seen = new Set<string>();
  const add = async (file: InputFile) => {
    const real = await realpath(file.path);
    if (seen.has(real)) return;
    seen.add(real);
    files.push(file);
  };
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (found === null) throw new ImportError('NO_INPUT', `${path}: there is no such file or folder`);
    if (found.isDirectory()) {
      for await (const file of filesBelow(path)) await add(file);
      continue;
    }
    const file = inputFile(path, found.size);
    if (file === null) {
      throw new ImportError(
        'NO_INPUT',
        `${path}: its name must end in .csv, .tsv, .ndjson, .jsonl (these also with .gz) or .parquet`,
      );
    }
    await add(file);
  }
  if (files.length === 0)
    throw new ImportError(
      'NO_INPUT',
      `${paths.join(', ')}: no .csv, .tsv, .ndjson, .jsonl or .parquet file there`,
    );
  return files;
}

async function* filesBelow(folder: string): AsyncGenerator<InputFile> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name.endsWith(REJECTS_ENDING)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      yield* filesBelow(path);
      continue;
    }
    const found = await stat(path).catch(() => null);
    const file = found?.isFile() === true ? inputFile(path, found.size) : null;
    if (file !== null) yield file;
  }
}

function inputFile(path: string, bytes: number): InputFile | null {
  const match = ENDING.exec(path);
  if (match === null) return null;
  const name = match[1].toLowerCase();
  const isGzip = match[2] !== undefined;
  if (name === 'parquet' && isGzip) return null;
  return { path, format: name === 'jsonl' ? 'ndjson' : (name as FileFormat), isGzip, bytes };
}
