/** What ends the link of a dialed site for good: its key, the site, or an edge that may not dial there any more. */
import { expect, it } from 'vitest';
import { phoneUri } from '../harness/client.ts';
import { keyId } from '../harness/multi-tenant-stack.ts';
import { waitUntil } from '../harness/stack.ts';
import { DialStack } from './harness.ts';

it('closes the link when the key of the adapter is revoked, and accepts its proof no more', async () => {
  await using dialed = await DialStack.start({ keep: true });
  const { listener, stack, site } = dialed;
  await dialed.startAdapter();
  await waitUntil(async () => (await dialed.link()).connected);
  const { length } = listener.attempts;
  await stack.adminRequest('DELETE', `/tenants/t1/keys/${keyId(site.adapterKey)}`);
  await expect.poll(() => listener.ends.map(({ code }) => code)).toContain(4401);
  await expect.poll(async () => (await dialed.link()).dial?.failure).toMatch(/did not prove/);
  expect(listener.attempts.length).toBeGreaterThan(length);
  expect(await dialed.link()).toMatchObject({ connected: false, dial: { state: 'dialing' } });
});

it('forgets a site that is deleted, although its link was kept', async () => {
  await using dialed = await DialStack.start({ keep: true });
  const { listener, stack } = dialed;
  await dialed.startAdapter();
  await waitUntil(async () => (await dialed.link()).connected);
  await stack.adminRequest('DELETE', '/tenants/t1/sites/s1');
  await expect.poll(() => listener.isLinked).toBe(false);
  await expect.poll(() => dialed.alarms()).toEqual([null]);
  const { length } = listener.attempts;
  // Nor does a Dialer that starts again know of it.
  await stack.restartEdge();
  expect(listener.attempts).toHaveLength(length);
});

it('does not dial a private address that was allowed when it was set', async () => {
  await using dialed = await DialStack.start();
  await dialed.restartEdgeWithoutLoopback();
  const client = await dialed.connectClient();
  const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };
  const { error } = await client.request('CallStart', parties);
  expect(error).toMatchObject({ code: -32001, data: expect.stringContaining('not public') });
  expect(dialed.listener.attempts).toEqual([]);
  const lines = dialed.edgeLog().filter((line) => line.includes('Dialing the adapter'));
  expect(lines).toEqual([expect.stringContaining('not public')]);
});
