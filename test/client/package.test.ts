/** The client as it is published: built, packed, and installed where there is nothing else. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stack, startStack } from '../stack/stack.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const dist = join(root, 'client/dist');

/** What a page may have to load for it: 6 KB. */
const MOST_BYTES = 6_000;

let folder: string;
let stack: Stack;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'call-api-client-'));
  await rm(dist, { recursive: true, force: true });
  await run('npm', ['run', '--silent', 'build:client'], { cwd: root });
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: join(root, 'client') });
  stack = await startStack();
}, 120_000);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

it('takes 6 KB at most, compressed', async () => {
  const bundle = await readFile(join(dist, 'index.js'));
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThanOrEqual(MOST_BYTES);
});

it('brings nothing along: no zod, no import of anything', async () => {
  expect(await readFile(join(dist, 'index.js'), 'utf8')).not.toMatch(/\bimport\b|\brequire\b|zod/);
});

it('has no `any` in its types, and they stand alone', async () => {
  const files = (await readdir(dist)).filter((name) => name.endsWith('.d.ts'));
  expect(files).toContain('index.d.ts');
  for (const name of files) {
    const types = (await readFile(join(dist, name), 'utf8')).replaceAll(/\/\*.*?\*\//gs, '');
    expect(types, name).not.toMatch(/\bany\b/);
    for (const [, from = ''] of types.matchAll(/(?:from|import\()\s*'([^']*)'/g))
      expect(files, `${name} imports ${from}`).toContain(from.replace(/^\.\/(.*)\.ts$/, '$1.d.ts'));
  }
});

it('installed alone from its tarball, it makes a call; its types are checked in full', async () => {
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  const quietly = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...quietly, `./${tarball}`], { cwd: folder });
  await writeFile(join(folder, 'call.ts'), SNIPPET);
  const strictly = '--strict --exactOptionalPropertyTypes --module nodenext --target es2022 --noEmit';
  const tsc = join(root, 'node_modules/.bin/tsc');
  // As in a browser: the types of Node are not there.
  await run(tsc, [...strictly.split(' '), '--lib', 'es2022,dom', '--types', '', 'call.ts'], { cwd: folder });
  const url = `ws://127.0.0.1:${stack.port}/call-api`;
  const { stdout } = await run(process.execPath, ['call.ts'], {
    cwd: folder,
    env: { ...process.env, URL: url },
  });
  expect(stdout).toBe(
    'Started CallerRinging CallerAnswered Transferring TransferStart CalleeAnswered Ended, ended\n',
  );
});

const SNIPPET = `
import { type Call, connect } from 'call-api-edge-client';

declare const process: { readonly env: { readonly URL: string }; readonly stdout: { write(text: string): void } };

const api = connect({ url: process.env.URL });
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
process.stdout.write(told.join(' ') + ', ' + last?.state + '\\n');
// @ts-expect-error: a method of that name there is not
api.callFork;
api.close();
`;
