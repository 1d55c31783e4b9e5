/** The client as it is published: built, packed, and installed where there is nothing else. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stack, startStack } from '../stack/stack.ts';
import { DIST, Installed } from './installed.ts';

/** What a page may have to load for it: 6 KB. */
const MOST_BYTES = 6_000;

let installed: Installed;
let stack: Stack;

beforeAll(async () => {
  installed = await Installed.make();
  stack = await startStack();
}, 120_000);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await installed[Symbol.asyncDispose]();
});

it('takes 6 KB at most, compressed', async () => {
  const bundle = await readFile(join(DIST, 'index.js'));
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThanOrEqual(MOST_BYTES);
});

it('brings nothing along: no zod, no import of anything', async () => {
  expect(await readFile(join(DIST, 'index.js'), 'utf8')).not.toMatch(/\bimport\b|\brequire\b|zod/);
});

it('has no `any` in its types, and they stand alone', async () => {
  const files = (await readdir(DIST)).filter((name) => name.endsWith('.d.ts'));
  expect(files).toContain('index.d.ts');
  for (const name of files) {
    const types = (await readFile(join(DIST, name), 'utf8')).replaceAll(/\/\*.*?\*\//gs, '');
    expect(types, name).not.toMatch(/\bany\b/);
    for (const [, from = ''] of types.matchAll(/(?:from|import\()\s*'([^']*)'/g))
      expect(files, `${name} imports ${from}`).toContain(from.replace(/^\.\/(.*)\.ts$/, '$1.d.ts'));
  }
});

it('installed alone from its tarball, it makes a call; its types are checked in full', async () => {
  await installed.write('call.ts', SNIPPET.replace('URL', `ws://127.0.0.1:${stack.port}/call-api`));
  const stdout = await installed.run('call.ts');
  expect(stdout).toBe(
    'Started CallerRinging CallerAnswered Transferring TransferStart CalleeAnswered Ended, ended\n',
  );
});

const SNIPPET = `
import { type Call, connect } from 'call-api-edge-client';

const api = connect({ url: 'URL' });
const start = api.callStart({ caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' });
const told: string[] = [];
for await (const step of start) {
  if (step.event !== 'TransferPending') told.push(step.event);
  if (step.event === 'TransferStart') step.data.callid satisfies string;
  // @ts-expect-error: of what has not failed there is no error
  if (step.event === 'Ended') step.error;
}
const { callid } = await start.ended;
await api.callEnd({ callid }).ended;
let last: Call | undefined;
for await (const change of api.watch({ callid })) {
  if (change.type === 'snapshot') last = change.calls[0];
  if (change.type === 'call') last = change.call;
  if (last?.state === 'ended') break;
}
console.log(told.join(' ') + ', ' + last?.state);
// @ts-expect-error: a method of that name there is not
api.callFork;
api.close();
`;
