/** The libraries that are tested, and what each is shown to do. Every one has a program in docs/examples/clients. @module */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What a library does with the edge. */
export const PROMISES = [
  'connect',
  'request',
  'error',
  'notification',
  'batch',
  'large id',
  'reconnect',
] as const;
export type LibraryPromise = (typeof PROMISES)[number];

export interface Library {
  readonly name: string;
  /** The file of its program. */
  readonly program: string;
  /** What its program shows. The others the library does not have: it chooses its ids itself, for example. */
  readonly shows: readonly LibraryPromise[];
  /** Returns its version. Throws if it is not installed. */
  readonly version: () => string;
}

const OVER_HTTP = ['connect', 'request', 'error'] as const;
const OVER_SOCKET = [...OVER_HTTP, 'notification'] as const;

/** The libraries of npm, which `npm install` installs. */
export const npmLibraries: readonly Library[] = [
  npm('rpc-websockets', 'rpc-websockets.mjs', [...OVER_SOCKET, 'reconnect']),
  npm('json-rpc-2.0', 'json-rpc-2.0.mjs', [...OVER_SOCKET, 'batch']),
  npm('jayson', 'jayson.mjs', [...OVER_HTTP, 'batch']),
  npm('openapi-fetch', 'openapi-fetch.ts', OVER_HTTP),
  npm('@hey-api/openapi-ts', 'hey-api.ts', OVER_HTTP),
  npm('eventsource', 'eventsource.mjs', [...OVER_SOCKET, 'reconnect']),
  npm('reconnecting-websocket', 'reconnecting-websocket.mjs', [...OVER_SOCKET, 'reconnect']),
];

/** Those of other languages, where they are installed. */
export const otherLibraries: readonly Library[] = [
  python('websockets', 'python-websockets.py', [...OVER_SOCKET, 'batch', 'large id']),
  python('websocket-client', 'python-websocket-client.py', [...OVER_SOCKET, 'batch', 'large id']),
  python('jsonrpclib-pelix', 'python-jsonrpclib-pelix.py', [...OVER_HTTP, 'batch']),
  {
    ...{ name: 'Go net/http', program: 'client.go', shows: [...OVER_HTTP, 'batch', 'large id'] },
    version: () => firstLine('go', 'version').split(' ')[2] ?? '',
  },
  {
    ...{ name: 'Java java.net.http', program: 'CallApi.java', shows: [...OVER_SOCKET, 'large id'] },
    version: () => firstLine('java', '--version'),
  },
  {
    ...{ name: 'curl', program: 'curl.sh', shows: [...OVER_HTTP, 'batch', 'large id'] },
    version: () => firstLine('curl', '--version').split(' ')[1] ?? '',
  },
];

function npm(name: string, program: string, shows: readonly LibraryPromise[]): Library {
  const version = () => {
    // The manifest need not be exported, but it is in the folder of the package.
    const { resolve } = createRequire(import.meta.url);
    const paths = resolve.paths(name) ?? [];
    for (const folder of paths)
      try {
        const manifest = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'));
        return String(manifest.version);
      } catch {
        // It is in the next folder.
      }
    throw new Error(`${name} is not installed below ${dirname(paths[0] ?? '')}. Run npm install.`);
  };
  return { name, program, shows, version };
}

function python(name: string, program: string, shows: readonly LibraryPromise[]): Library {
  const code = `from importlib.metadata import version; print(version(${JSON.stringify(name)}))`;
  return { name: `Python ${name}`, program, shows, version: () => firstLine(PYTHON, '-c', code) };
}

/** The Python that has the packages of the system. */
export const PYTHON = '/usr/bin/python3';

function firstLine(command: string, ...args: readonly string[]): string {
  const output = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return output.split('\n')[0] ?? '';
}
