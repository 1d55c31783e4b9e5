/** Output that cannot be written: on a full disk, on a disk that becomes full, and to a reader that has closed the pipe. */
import { access, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startStack } from '../harness/stack.ts';
import { FakeHttpEdge } from './fake-http-edge.ts';
import { runInShell, start } from './run.ts';

/** A device to which every write fails with ENOSPC. Linux has it. */
const FULL = 'exec "$@" >/dev/full';
await access('/dev/full');

const KEY = 'ca.k1.api.t1.the-id.the-secret.the-mac';
const startEdge = () =>
  FakeHttpEdge.start((path) => ({
    status: 200,
    body: path.endsWith('/tokens')
      ? { token: 'eyJ.a.b', expires: '2026-12-01T00:00:00Z', scopes: ['read'] }
      : { id: 'the-id', key: KEY, secret: 'the-secret', tenants: [], role: 'api' },
  }));

/** What is shown once, and how it is replaced. */
const SHOWN_ONCE: readonly (readonly [args: readonly string[], remedy: string])[] = [
  [['admin', 'key', 'create', 't1'], 'admin key rotate TENANT the-id'],
  [['admin', 'key', 'rotate', 't1', 'k'], 'admin key rotate TENANT the-id'],
  [['admin', 'key', 'create', 't1', '--json'], 'admin key rotate TENANT the-id'],
  [
    ['admin', 'webhook', 'create', 't1', 's1', 'https://hooks.example.com'],
    'admin webhook rotate TENANT SITE the-id',
  ],
  [['admin', 'webhook', 'rotate', 't1', 's1', 'w'], 'admin webhook rotate TENANT SITE the-id'],
  [['token', 'alice'], 'Repeat the command'],
  [['token', 'alice', '--json'], 'Repeat the command'],
];

it.each(SHOWN_ONCE)('%j is not done while nobody has read the result', async (args, remedy) => {
  await using edge = await startEdge();
  const full = await runInShell(FULL, args, edge.env);
  expect(full.err).toContain('Cannot write the output: the disk is full.');
  const reader = start(args, edge.env);
  reader.closeOutput();
  const closed = await reader.exited;
  expect(closed.err).toContain('Cannot write the output: the reader has closed the pipe.');
  for (const { exit, err } of [full, closed]) {
    expect(err).toContain(remedy);
    expect(err).not.toContain('Store the');
    expect(err).not.toContain('valid until');
    expect(exit).toBe(1);
  }
});

it('notices that only a part of a key was written', async () => {
  await using edge = await startEdge();
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const file = join(folder, 'key');
  // The file may have 1,024 bytes: as on a disk that becomes full, the first part of the key still fits.
  const script = `head -c 1000 /dev/zero >'${file}'; ulimit -f 2; exec "$@" >>'${file}'`;
  const env = { ...edge.env, NODE_DISABLE_COMPILE_CACHE: '1' };
  const { exit, err } = await runInShell(script, ['admin', 'key', 'create', 't1'], env);
  expect((await stat(file)).size).toBe(1_024);
  expect(err).toContain('admin key rotate TENANT the-id');
  expect(exit).toBe(1);
  await rm(folder, { recursive: true });
});

it.each([
  [['--help']],
  [['--version']],
  [['list', '--help']],
  [['completion', 'bash']],
  [['admin', 'tenant', 'list']],
  [['doctor']],
])('%j exits with 1 on a full disk, and says so', async (args) => {
  await using edge = await FakeHttpEdge.start(() => ({ status: 200, body: { tenants: [] } }));
  const { exit, err } = await runInShell(FULL, args, edge.env);
  expect(exit).not.toBe(0);
  if (args[0] !== 'doctor') expect(err).toBe('Cannot write the output: the disk is full.\n');
});

it.each(['edge', 'direct'] as const)(
  'carries out a call whose output nobody reads, and ends a watch (%s)',
  async (route) => {
    await using stack = await startStack();
    const { host, port } = stack.simulator.mi;
    const env: Record<string, string> =
      route === 'edge'
        ? { CALL_API: `ws://127.0.0.1:${stack.port}` }
        : { CALL_API_DIRECT: `${host}:${port}` };
    const args = ['start', 'keep.a', 'keep.b', '--domain', '127.0.0.1:5060'];
    const active = () => stack.simulator.ledger.dialogs.filter(({ state }) => state < 5).length;

    const full = await runInShell(FULL, args, env);
    expect([full.exit, active()]).toEqual([1, 1]);
    const closed = start(args, env);
    closed.closeOutput();
    expect([(await closed.exited).exit, active()]).toEqual([0, 2]);

    const watch = start(['watch'], env);
    await watch.waitForOutput('callid');
    watch.closeOutput();
    await stack.simulator.dial({ from: 'keep.c', to: 'keep.d' });
    expect((await watch.exited).exit).toBe(0);
    expect((await runInShell(FULL, ['watch'], env)).exit).toBe(1);
  },
);
