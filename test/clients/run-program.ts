/** Runs the program of a library against an edge, and reads what it prints. @module */
import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { type BreakablePort, openBreakablePort } from './breakable-port.ts';
import { type Library, type LibraryPromise, PYTHON } from './libraries.ts';

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** Where the programs are that the documentation shows. */
export const PROGRAMS = join(root, 'docs/examples/clients');

/** A program that takes longer has failed, in milliseconds: most take a second, and compilers some more. */
const TIMEOUT_MS = 60_000;

/** The program wants its connection to break. */
const WAITING = 'waiting for a break\n';

/** A line that shows each promise. */
const SIGNS: Readonly<Record<LibraryPromise, RegExp>> = {
  connect: /^connect$/m,
  request: /^request CallStart Started$/m,
  error: /^error -32602\b/m,
  notification: /^notification .*\bHeld\b.*\bEnded\b/m,
  batch: /^batch 2$/m,
  'large id': /^large id (?:true|True)$/m,
  reconnect: /^reconnect$/m,
};

export interface ProgramResult {
  readonly shown: readonly LibraryPromise[];
  readonly output: string;
}

/**
 * Runs a program in a folder of its own, behind a port whose connections only it has.
 * @param folder is created
 */
export async function runProgram(library: Library, folder: string, edgePort: number): Promise<ProgramResult> {
  await mkdir(folder, { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const port = await openBreakablePort(edgePort);
  try {
    const source = await readFile(join(PROGRAMS, library.program), 'utf8');
    const file = join(folder, library.program);
    const edge = `127.0.0.1:${port.port}`;
    const program = source
      .replaceAll('localhost:5059', edge)
      .replace("host: 'localhost', port: 5059", `host: '127.0.0.1', port: ${port.port}`);
    await writeFile(file, program);
    const [command = '', ...args] = await prepare(library, file, `http://${edge}`);
    const output = await outputOf(command, args, folder, port);
    return { shown: library.shows.filter((promise) => SIGNS[promise].test(output)), output };
  } finally {
    port.close();
  }
}

/** Creates and compiles what a program needs. Returns the command that runs it. */
async function prepare({ name, program }: Library, file: string, url: string): Promise<readonly string[]> {
  const folder = dirname(file);
  switch (extname(program)) {
    case '.py':
      return [PYTHON, file];
    case '.go':
      return ['go', 'run', file];
    case '.java':
      return ['java', file];
    case '.sh':
      return ['sh', file];
    case '.ts': {
      const libraries = import.meta.dirname;
      if (name === 'openapi-fetch') {
        const bin = join(libraries, 'node_modules/openapi-typescript/bin/cli.js');
        await execute(process.execPath, [bin, `${url}/openapi.json`, '-o', join(folder, 'call-api.d.ts')]);
      } else {
        const bin = join(libraries, 'node_modules/@hey-api/openapi-ts/bin/run.js');
        const args = ['-i', `${url}/openapi.json`, '-o', join(folder, 'call-api'), '--silent'];
        await execute(process.execPath, [bin, ...args], { cwd: libraries });
      }
      await checkTypes(file);
      const outfile = join(folder, 'program.mjs');
      await build({ entryPoints: [file], outfile, bundle: true, format: 'esm', platform: 'node' });
      return [process.execPath, outfile];
    }
    default:
      return [process.execPath, file];
  }
}

async function checkTypes(file: string): Promise<void> {
  const compilerOptions = {
    ...{ strict: true, module: 'esnext', moduleResolution: 'bundler', target: 'es2022', noEmit: true },
    ...{
      lib: ['es2022', 'dom', 'dom.iterable'],
      types: [],
      skipLibCheck: true,
      allowImportingTsExtensions: true,
    },
  };
  const folder = dirname(file);
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  await execute(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
}

/** Resolves with all that a program prints. Rejects if it fails. */
function outputOf(
  command: string,
  args: readonly string[],
  folder: string,
  port: BreakablePort,
): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, GO111MODULE: 'off', PYTHONUNBUFFERED: '1' },
      timeout: TIMEOUT_MS,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.endsWith(WAITING)) port.break();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolvePromise(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`));
    });
  });
}

/** Removes what {@link runProgram} has created. */
export async function removePrograms(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
