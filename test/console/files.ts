/** The console's files over HTTP, for the fake edge of these tests. @module */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { CONSOLE_FILES } from '../../selfhost/console.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export interface File {
  readonly type: string;
  readonly body: Buffer;
}

/** Undefined where there is none. */
export async function consoleFile(path: string): Promise<File | undefined> {
  const name = path === '/' ? 'index.html' : path;
  const body = await readFile(join(CONSOLE_FILES, name)).catch(() => undefined);
  return body && { type: TYPES[extname(name)] ?? 'application/octet-stream', body };
}
