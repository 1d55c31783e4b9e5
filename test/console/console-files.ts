/** The console's files, for the fake edge to serve. @module */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { CONSOLE_DIRECTORY } from '../../selfhost/console.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export interface ConsoleFile {
  readonly type: string;
  readonly body: Buffer;
}

/** Reads a file of the console. Returns undefined if there is none. */
export async function readConsoleFile(path: string): Promise<ConsoleFile | undefined> {
  const name = path === '/' ? 'index.html' : path;
  const body = await readFile(join(CONSOLE_DIRECTORY, name)).catch(() => undefined);
  return body && { type: CONTENT_TYPES[extname(name)] ?? 'application/octet-stream', body };
}
