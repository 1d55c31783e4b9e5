/** A watcher receives a snapshot and then every change, through hibernations and reconnects, of the calls that it may see. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import type { Client, ClientResponse } from '../../testing/client.ts';
import { dialogEvent, scriptByMethod, statefulCalls } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';
import { MAX_PAGE_BYTES } from '../store/stored-page.ts';
import { MAX_WATCHED_CALLS, MAX_WATCHED_CHARACTERS } from './watchers.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

interface CallNotification {
  readonly method: string;
  readonly params: { event: string; seq: number; call?: { callid: string; state: string } };
}

/** Sends CallWatch. Returns its result or its error. */
async function watch(client: Client, params: object = {}) {
  const { result, error } = (await client.request('CallWatch', params)) as unknown as {
    result: { calls: { callid: string }[]; seq: number; reset?: boolean };
    error?: { code: number; data: string };
  };
  return result ?? error;
}

/** Returns the next notifications, which may share frames. */
async function nextNotifications(client: Client, count: number): Promise<CallNotification[]> {
  const notifications: CallNotification[] = [];
  while (notifications.length < count)
    notifications.push(...[await client.socket.next<CallNotification | CallNotification[]>()].flat());
  return notifications;
}

const textOf = ({ method, params: { event, call } }: CallNotification) =>
  [method, event, call?.callid].filter(Boolean).join(' ');

const callidsIn = ({ result }: ClientResponse) =>
  (result as unknown as { calls: { callid: string }[] }).calls.map(({ callid }) => callid);

/** An OpenSIPS whose list of dialogs cannot be read: the site knows only the calls that events are about. */
const withoutDialogList = scriptByMethod({ dlg_list: () => ({ outcome: 'timeout' }) });

it('sends a watcher every change after its snapshot, also those during a hibernation', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  const client = await site.client();
  await expect.poll(async () => (await watch(client)).calls.length).toBe(1);
  await adapter.raiseEvent(dialogEvent('c1', 2, 3));
  expect((await nextNotifications(client, 1)).map(textOf)).toEqual(['Call Answered c1']);
  await evictDurableObject(site.object);
  await adapter.raiseEvent(dialogEvent('c1', 4, 5));
  await adapter.raiseEvent(dialogEvent('c2', 1, 2));
  expect((await nextNotifications(client, 2)).map(textOf)).toEqual(['Call Ended c1', 'Call Ringing c2']);
  adapter.close();
  expect((await nextNotifications(client, 1)).map(textOf)).toEqual(['Link Down']);
});

it('sends a resuming watcher the missed changes, or a reset if they are not all kept', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  const continuous = await site.client();
  const { seq } = await watch(continuous);
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  await adapter.raiseEvent(dialogEvent('c1', 2, 3));
  const notifications = await nextNotifications(continuous, 2);
  const resuming = await site.client();
  const result = await watch(resuming, { since: seq });
  expect(result).toMatchObject({ calls: [], seq });
  expect(result).not.toHaveProperty('reset');
  expect(await nextNotifications(resuming, 2)).toEqual(notifications);
  const other = await site.client();
  expect(await watch(other, { since: 10_000_000 })).toMatchObject({
    reset: true,
    calls: [{ callid: 'c1' }],
  });
  adapter.close();
});

it('sends a watcher that takes batches frames of at most 256 KB, however much has changed, and others one change in each', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  const [client, single] = [await site.client({ batches: true }), await site.client()];
  await watch(client);
  await watch(single);
  const callids = Array.from({ length: 80 }, (_, n) => `${n}-`.padEnd(4_000, 'c'));
  adapter.raiseEvents(callids.map((callid, n) => dialogEvent(callid, 1, 2, `id.${n}`)));
  const frames: CallNotification[][] = [];
  while (frames.flat().length < callids.length)
    frames.push([await client.socket.next<CallNotification | CallNotification[]>()].flat());
  expect(frames.flat().map(({ params }) => params.call?.callid)).toEqual(callids);
  const sizes = frames.map((frame) => JSON.stringify(frame).length);
  expect(sizes).toHaveLength(2);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_PAGE_BYTES);
  const singles: unknown[] = [];
  while (singles.length < callids.length) singles.push(await single.socket.next());
  expect(singles).toEqual(frames.flat());
  adapter.close();
});

it('sends a watcher of one call no change of other calls, and nothing after CallUnwatch', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  const [one, all] = [await site.client(), await site.client()];
  await watch(one, { callid: 'c1' });
  await watch(all);
  await adapter.raiseEvent(dialogEvent('c2', 1, 2));
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  expect((await nextNotifications(one, 1)).map(textOf)).toEqual(['Call Ringing c1']);
  await one.request('CallUnwatch', { callid: 'c1' });
  await adapter.raiseEvent(dialogEvent('c1', 2, 3));
  await nextNotifications(all, 3);
  expect(await one.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('still sends the queued changes of an earlier watch after a second CallWatch on the same socket', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  const client = await site.client();
  await watch(client);
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  // Once the call is known, its change is in the queue for the next frame.
  while ((await client.request('CallGet', { callid: 'c1' })).error);
  await watch(client, { callid: 'c9' });
  expect((await nextNotifications(client, 1)).map(textOf)).toEqual(['Call Ringing c1']);
  adapter.close();
});

it('limits the single calls of a watcher, whose longest Call-IDs fit into the attachment of its socket', async () => {
  const client = await new TestSite().client();
  for (let n = 0; n < MAX_WATCHED_CALLS; n++) {
    const callid = `${n}`.padStart(MAX_WATCHED_CHARACTERS / MAX_WATCHED_CALLS, 'x');
    expect(await watch(client, { callid })).toMatchObject({ calls: [] });
  }
  expect(await watch(client, { callid: 'one-more' })).toMatchObject({
    code: -32602,
    data: expect.stringContaining('16 single calls'),
  });
  const other = await new TestSite().client();
  for (const callid of ['x'.repeat(4_096), 'y'.repeat(4_000)])
    expect(await watch(other, { callid })).toMatchObject({ calls: [] });
  expect(await watch(other, { callid: 'z'.repeat(97) })).toMatchObject({
    code: -32602,
    data: expect.stringContaining('8192 characters'),
  });
});

it('shows a client that is bound to an address only its own calls, and one without the scope `read` none', async () => {
  const site = new TestSite();
  // OpenSIPS names the calls in the order in which they are made.
  const adapter = await site.adapter(statefulCalls('of-agent', 'of-alice'));
  const alice = await site.client({ subject: 'sub:alice', caller: URIS.caller });
  const agent = await site.client();
  const withoutRead = await site.client({ subject: 'sub:without-read', scopes: ['CallStart'] });
  const watcher = await site.client({ subject: 'sub:alice', caller: URIS.caller });
  await watch(watcher);
  for (const client of [agent, alice]) {
    await client.request('CallStart', URIS);
    await client.untilEnded();
  }
  expect(callidsIn(await alice.request('CallList', {}))).toContain('of-alice');
  expect(callidsIn(await alice.request('CallList', {}))).not.toContain('of-agent');
  expect(callidsIn(await agent.request('CallList', {}))).toEqual(
    expect.arrayContaining(['of-agent', 'of-alice']),
  );
  const notifications = await nextNotifications(watcher, 2);
  expect(notifications.every(({ params: { call } }) => call?.callid !== 'of-agent')).toBe(true);
  expect(await alice.request('CallGet', { callid: 'of-agent' })).toMatchObject({ error: { code: -32005 } });
  for (const [method, params] of [
    ['CallList', {}],
    ['CallGet', { callid: 'of-agent' }],
    ['CallWatch', {}],
    ['CallUnwatch', {}],
  ] as const) {
    expect(await withoutRead.request(method, params)).toMatchObject({ error: { code: -32002 } });
  }
  const ofOtherSite = await new TestSite().client({ caller: URIS.caller });
  expect(await ofOtherSite.request('CallGet', { callid: 'of-alice' })).toMatchObject({
    error: {
      code: -32005,
      data: 'callid: no call with this Call-ID is known. It does not exist, or is no longer stored. List the calls with CallList.',
    },
  });
  adapter.close();
});
