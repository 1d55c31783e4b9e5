/** Tests that docs/client.md is up to date, and that its examples print what they say. */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { renderClientPage } from '../../docs/client-reference.ts';
import { MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { type Stack, startStack } from '../harness/stack.ts';
import { InstalledPackage } from './installed-package.ts';

const docsDirectory = resolve(import.meta.dirname, '../../docs');
const examples = await readdir(join(docsDirectory, 'examples/client'));

let installed: InstalledPackage;
let stack: Stack;
let deployed: MultiTenantStack;

beforeAll(async () => {
  installed = await InstalledPackage.build();
  [stack, deployed] = await Promise.all([startStack(), MultiTenantStack.start({ tenants: 1, sites: 1 })]);
}, 120_000);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await deployed[Symbol.asyncDispose]();
  await installed[Symbol.asyncDispose]();
});

it('docs/client.md is up to date; if not, run npm run docs:client', async () => {
  expect(await readFile(join(docsDirectory, 'client.md'), 'utf8')).toBe(await renderClientPage());
});

it.each(examples)('the example %s prints what docs/client.md says', async (name) => {
  const program = await readFile(join(docsDirectory, 'examples/client', name), 'utf8');
  expect(await readFile(join(docsDirectory, 'client.md'), 'utf8')).toContain(program.split('\n// → ')[0]);
  // Replaces the URL and the API key of the reader.
  const needsKey = program.includes('YOUR-API-KEY');
  const port = needsKey ? deployed.port : stack.port;
  const testProgram = program
    .replaceAll('localhost:5059', `127.0.0.1:${port}`)
    .replaceAll('ca.YOUR-API-KEY', deployed.site('t1-s1').siteKey);
  await installed.addProgram(name, testProgram);
  const expectedOutput = [...program.matchAll(/^\/\/ → (.*)$/gm)].map(([, line]) => `${line}\n`);
  expect(expectedOutput).not.toEqual([]);
  expect(await installed.runProgram(name)).toBe(expectedOutput.join(''));
});
