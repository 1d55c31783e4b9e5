/** docs/client.md is what the code gives, and its snippets do what they say. */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientReference } from '../../docs/client-reference.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { Tenants } from '../stack/tenants.ts';
import { Installed } from './installed.ts';

const docs = resolve(import.meta.dirname, '../../docs');
const snippets = await readdir(join(docs, 'examples/client'));

let installed: Installed;
let stack: Stack;
let deployed: Tenants;

beforeAll(async () => {
  installed = await Installed.make();
  [stack, deployed] = await Promise.all([startStack(), Tenants.start({ tenants: 1, sites: 1 })]);
}, 120_000);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await deployed[Symbol.asyncDispose]();
  await installed[Symbol.asyncDispose]();
});

it('docs/client.md is fresh; if not: npm run docs:client', async () => {
  expect(await readFile(join(docs, 'client.md'), 'utf8')).toBe(await clientReference());
});

it.each(snippets)('the snippet %s runs as written, and prints what it says', async (name) => {
  const program = await readFile(join(docs, 'examples/client', name), 'utf8');
  expect(await readFile(join(docs, 'client.md'), 'utf8')).toContain(program.split('\n// → ')[0]);
  // Its own place and key in the stead of those of a reader.
  const needsKey = program.includes('YOUR-API-KEY');
  const port = needsKey ? deployed.port : stack.port;
  const here = program
    .replaceAll('localhost:5059', `127.0.0.1:${port}`)
    .replaceAll('ca.YOUR-API-KEY', deployed.at('t1-s1').siteKey);
  await installed.write(name, here);
  const prints = [...program.matchAll(/^\/\/ → (.*)$/gm)].map(([, line]) => `${line}\n`);
  expect(prints).not.toEqual([]);
  expect(await installed.run(name)).toBe(prints.join(''));
});
