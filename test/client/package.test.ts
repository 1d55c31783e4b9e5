/** Tests the client package as it is published: built, packed, and installed in an empty project. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stack, startStack } from '../harness/stack.ts';
import { DIST_DIRECTORY, InstalledPackage } from './installed-package.ts';

const MAX_COMPRESSED_BYTES = 7_500;

let installed: InstalledPackage;
let stack: Stack;

beforeAll(async () => {
  installed = await InstalledPackage.build();
  stack = await startStack();
}, 120_000);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await installed[Symbol.asyncDispose]();
});

it('has at most 7.5 KB, compressed', async () => {
  const bundle = await readFile(join(DIST_DIRECTORY, 'index.js'));
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThanOrEqual(MAX_COMPRESSED_BYTES);
});

it('has no dependencies: neither zod nor any other import', async () => {
  expect(await readFile(join(DIST_DIRECTORY, 'index.js'), 'utf8')).not.toMatch(/\bimport\b|\brequire\b|zod/);
});

it('has types without `any` and without dependencies', async () => {
  const files = (await readdir(DIST_DIRECTORY, { recursive: true })).filter((name) => name.endsWith('.d.ts'));
  expect(files).toContain('index.d.ts');
  for (const name of files) {
    const types = (await readFile(join(DIST_DIRECTORY, name), 'utf8')).replaceAll(/\/\*.*?\*\//gs, '');
    expect(types, name).not.toMatch(/\bany\b/);
    for (const [, from = ''] of types.matchAll(/(?:from|import\()\s*'([^']*)'/g))
      expect(files, `${name} imports ${from}`).toContain(join(dirname(name), from).replace(/\.ts$/, '.d.ts'));
  }
});

it('makes a call when it is installed from its tarball, and passes a strict type check', async () => {
  await installed.addProgram('call.ts', PROGRAM.replace('URL', `ws://127.0.0.1:${stack.port}/call-api`));
  const stdout = await installed.runProgram('call.ts');
  expect(stdout).toBe(
    'Started CallerRinging CallerAnswered Transferring TransferStart CalleeAnswered Ended, ended\n',
  );
});

const PROGRAM = `
import { type Call, connect } from 'call-api-edge-client';

const api = connect({ url: 'URL' });
const start = api.callStart({ caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' });
const events: string[] = [];
for await (const step of start) {
  if (step.event !== 'TransferPending') events.push(step.event);
  if (step.event === 'TransferStart') step.data.callid satisfies string;
  // @ts-expect-error: only a failed command has an error
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
console.log(events.join(' ') + ', ' + last?.state);
// @ts-expect-error: there is no such method
api.callFork;
api.close();
`;
