/** Adapters of this release and of 0.2.0 at the whole edge, through sockets, health and doctor. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { runProgram } from '../cli/process.ts';
import manifest from '../package.json' with { type: 'json' };
import { ADAPTER_KEY, type Stack, startStack } from './harness/stack.ts';

const linkOf = async (stack: Stack) => (await stack.fetchHealth()).link;

/** Returns the finding of doctor about the adapter. */
async function diagnoseAdapter({ port }: Stack): Promise<string> {
  let out = '';
  await runProgram(['doctor', '--url', `ws://127.0.0.1:${port}`], {
    env: {},
    out: { write: (chunk) => (out += chunk) },
    err: { write: () => true },
    interrupt: new AbortController().signal,
  });
  return out.split('\n').find((line) => line.includes('✓ adapter')) ?? out;
}

it('shows the versions of the adapter, and takes one of 0.2.0', async () => {
  await using stack = await startStack({ startsAdapter: false });
  const adapter = await stack.startAdapter();
  await stack.waitForLink(true);
  expect(await linkOf(stack)).toMatchObject({
    adapter: 'test',
    adapter_version: manifest.version,
    node_version: process.versions.node,
  });
  expect(await diagnoseAdapter(stack)).toContain(
    `Its version is ${manifest.version}, on Node.js ${process.versions.node}.`,
  );
  await adapter.stop();
  await stack.waitForLink(false);
  const headers = { Authorization: `Bearer ${ADAPTER_KEY}` };
  const old = new WebSocket(`ws://127.0.0.1:${stack.port}/adapter`, { headers });
  await once(old, 'open');
  const opensips = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
  const hello = { type: 'hello', version: 1, adapter: 'old', stream: 's', base: 1, opensips };
  old.send(JSON.stringify(hello));
  const [data] = await once(old, 'message');
  expect([JSON.parse(String(data))].flat()[0]).toMatchObject({ type: 'welcome', version: 1, stream: 's' });
  expect(await linkOf(stack)).toEqual({
    connected: true,
    adapter: 'old',
    opensips,
    seconds: expect.any(Number),
    adapters: [{ adapter: 'old', role: 'active', reachable: true, seconds: expect.any(Number) }],
  });
  expect(await diagnoseAdapter(stack)).toContain('Its version is 0.2.0 or earlier.');
  old.terminate();
});
