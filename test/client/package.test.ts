/** Tests the client package as it is published: built, packed, and installed in an empty project. */

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stack, startStack } from '../harness/stack.ts';
import { ESM_DIRECTORY, InstalledPackage, PACKAGE_DIRECTORY } from './installed-package.ts';

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

const MAX_COMPRESSED_BYTES = 7_500;
/** The connection with sessions, commands and watches, without the interface of the package. */
const MAX_CORE_COMPRESSED_BYTES = 6_000;

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
  const bundle = await readFile(join(ESM_DIRECTORY, 'index.js'));
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThanOrEqual(MAX_COMPRESSED_BYTES);
});

it('has a connection of at most 6 KB, compressed', async () => {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['client/connection/connection.ts'],
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', write: false },
  });
  const [bundle] = outputFiles;
  expect(gzipSync(bundle?.contents ?? '', { level: 9 }).length).toBeLessThanOrEqual(
    MAX_CORE_COMPRESSED_BYTES,
  );
});

it('is a package that publint and attw find no fault with, for both module systems', async () => {
  // Both exit with 1 if they find one, and name it.
  const bin = (name: string) => join(root, 'node_modules/.bin', name);
  await execute(bin('publint'), ['--strict'], { cwd: PACKAGE_DIRECTORY });
  await execute(bin('attw'), ['--pack', '.'], { cwd: PACKAGE_DIRECTORY });
}, 60_000);

it('has its license, and source maps with the sources', async () => {
  const license = await readFile(join(installed.packageDirectory, 'LICENSE'), 'utf8');
  expect(license).toBe(await readFile(join(root, 'LICENSE'), 'utf8'));
  for (const name of ['esm/index', 'esm/server', 'cjs/index', 'cjs/server']) {
    const file = join(installed.packageDirectory, `dist/${name}.js`);
    expect(await readFile(file, 'utf8'), name).toContain('//# sourceMappingURL=');
    const map = JSON.parse(await readFile(`${file}.map`, 'utf8')) as { readonly sourcesContent: string[] };
    expect(map.sourcesContent.length, name).toBeGreaterThan(0);
  }
});

it.each(['mts', 'cts'])('has types that TypeScript 5.0 accepts, in a .%s file', async (extension) => {
  const program = `
import { connect, CallApiError, type Call } from 'call-api-edge-client';
import { createToken, verifyWebhook, type WebhookEvent } from 'call-api-edge-client/server';
const call: Call | undefined = undefined;
const onEvent = (event: WebhookEvent): string => (event.type === 'link.up' ? event.data.event : event.type);
const functions: readonly unknown[] = [connect, CallApiError, createToken, verifyWebhook, onEvent, call];
console.log(functions.map((each) => typeof each).join());
`;
  await installed.addProgram(`oldest.${extension}`, program, '5.0');
});

it('is found by `import` and by `require`', async () => {
  const names = 'typeof api.connect, typeof server.createToken, typeof server.verifyWebhook';
  const specifiers = ["'call-api-edge-client'", "'call-api-edge-client/server'"];
  const [api, server] = specifiers;
  await installed.addFile(
    'found.mjs',
    `import * as api from ${api}; import * as server from ${server}; console.log(${names});`,
  );
  await installed.addFile(
    'found.cjs',
    `const api = require(${api}); const server = require(${server}); console.log(${names});`,
  );
  for (const file of ['found.mjs', 'found.cjs'])
    expect(await installed.runProgram(file), file).toBe('function function function\n');
});

it('has no dependencies: neither zod nor any other import', async () => {
  expect(await readFile(join(ESM_DIRECTORY, 'index.js'), 'utf8')).not.toMatch(/\bimport\b|\brequire\b|zod/);
});

it('has types without `any` and without dependencies', async () => {
  const files = (await readdir(ESM_DIRECTORY, { recursive: true })).filter((name) => name.endsWith('.d.ts'));
  expect(files).toContain('index.d.ts');
  for (const name of files) {
    const types = (await readFile(join(ESM_DIRECTORY, name), 'utf8')).replaceAll(/\/\*.*?\*\//gs, '');
    expect(types, name).not.toMatch(/\bany\b/);
    for (const [, from = ''] of types.matchAll(/(?:from|import\()\s*'([^']*)'/g))
      expect(files, `${name} imports ${from}`).toContain(join(dirname(name), from).replace(/\.js$/, '.d.ts'));
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
