/** Libraries of others work with the edge as they are: each dials, watches, holds and ends a call, and gets an error as it means it. */
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stack, startStack } from '../harness/stack.ts';
import { npmLibraries, otherLibraries } from './libraries.ts';
import { PROGRAMS, removePrograms, runProgram } from './run-program.ts';

let stack: Stack;
let folder: string;
beforeAll(async () => {
  stack = await startStack();
  folder = await mkdtemp(join(tmpdir(), 'call-api-clients-'));
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await removePrograms(folder);
});

// Most of the time they wait.
it.concurrent.each(npmLibraries)('$name', async (library) => {
  const { shown, output } = await runProgram(library, join(folder, library.program), stack.port);
  expect(shown, output).toEqual(library.shows);
});

it('docs/clients.md shows the program of each library', async () => {
  const page = await readFile(resolve(import.meta.dirname, '../../docs/clients.md'), 'utf8');
  const programs = [...npmLibraries, ...otherLibraries].map(({ program }) => program);
  expect((await readdir(PROGRAMS)).toSorted()).toEqual(programs.toSorted());
  for (const program of programs)
    expect(page, program).toContain(await readFile(join(PROGRAMS, program), 'utf8'));
});
