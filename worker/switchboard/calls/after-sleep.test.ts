/** What a client was shown, or a command did, is still so after the object hibernates, and numbers are never used again. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import type { ScriptedAdapter } from '../../testing/adapter.ts';
import type { Client } from '../../testing/client.ts';
import { advanceClock } from '../../testing/clock.ts';
import { dialogEvent, scenarios, scriptByMethod, transferEvent } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';

afterEach(() => void vi.useRealTimers());

/** An OpenSIPS whose list of dialogs cannot be read: the site knows only what events say. */
const withoutDialogList = scriptByMethod({ dlg_list: () => ({ outcome: 'timeout' }) });

interface Shown {
  readonly call: {
    readonly state: string;
    readonly seq: number;
    readonly answered?: number;
    readonly reason?: string;
    readonly ended_by?: string;
  };
  readonly timeline: readonly { readonly event: string; readonly seq: number }[];
}

async function callOf(client: Client, callid: string): Promise<Shown> {
  const { result } = (await client.request('CallGet', { callid })) as unknown as { result: Shown };
  return result;
}

/** Resolves once the object has applied all messages of the adapter, none of which concerns a command. */
async function untilApplied(site: TestSite, adapter: ScriptedAdapter): Promise<void> {
  const pending = () =>
    runInDurableObject(site.object, (_, state) => {
      const [socket] = state.getWebSockets('adapter');
      const { seq = 0 } = (socket?.deserializeAttachment() ?? {}) as { seq?: number };
      return adapter.lastSeq - seq;
    });
  await expect.poll(pending).toBe(0);
}

const lastSeq = ({ timeline }: Shown) => timeline.at(-1)?.seq ?? 0;

it('knows after a hibernation that a call of others was answered, although nobody watched', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  for (const [from, to] of [
    [1, 2],
    [2, 3],
    [3, 4],
  ] as const)
    await adapter.raiseEvent(dialogEvent('c1', from, to));
  await untilApplied(site, adapter);
  await evictDurableObject(site.object);
  await adapter.raiseEvent(dialogEvent('c1', 4, 5));
  const client = await site.client();
  await expect.poll(async () => (await callOf(client, 'c1')).call.state).toBe('ended');
  const { call, timeline } = await callOf(client, 'c1');
  expect(call).toMatchObject({ reason: 'hung up', answered: expect.any(Number) });
  expect(timeline.map(({ event }) => event)).toEqual(['Ringing', 'Answered', 'Ended']);
  adapter.close();
});

it('never gives a number again that a client was shown', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  await adapter.raiseEvent(dialogEvent('c1', 2, 3));
  const client = await site.client();
  await expect.poll(async () => (await callOf(client, 'c1')).call.state).toBe('answered');
  const shown = await callOf(client, 'c1');
  adapter.close();
  await expect.poll(async () => (await site.object.health('key-1'))?.link.connected).toBe(false);
  await evictDurableObject(site.object);
  expect(await callOf(client, 'c1')).toEqual(shown);
  const other = await site.adapter(withoutDialogList);
  await other.raiseEvent(dialogEvent('c2', 1, 2));
  await expect.poll(async () => await callOf(client, 'c2')).toBeDefined();
  expect(lastSeq(await callOf(client, 'c2'))).toBeGreaterThan(lastSeq(shown));
  other.close();
});

it('keeps what is not written when the adapter disconnects during a hibernation', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  await adapter.raiseEvent(dialogEvent('c1', 2, 3));
  await untilApplied(site, adapter);
  await evictDurableObject(site.object);
  adapter.close();
  await expect.poll(async () => (await site.object.health('key-1'))?.link.connected).toBe(false);
  await evictDurableObject(site.object);
  expect((await callOf(await site.client(), 'c1')).call.state).toBe('answered');
});

it('records for ten minutes after the last watcher, through hibernations, and then tells that changes are missing', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(withoutDialogList);
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  const watcher = await site.client();
  const watch = async (client: Client, params: object = {}) => {
    const { result } = await client.request('CallWatch', params);
    return result as unknown as { seq: number; reset?: boolean };
  };
  const { seq } = await watch(watcher);
  watcher.socket.close();
  await watcher.socket.closed;
  await evictDurableObject(site.object);
  await adapter.raiseEvent(dialogEvent('c1', 2, 3));
  await untilApplied(site, adapter);
  await evictDurableObject(site.object);
  const resuming = await site.client();
  const resumed = await watch(resuming, { since: seq });
  expect(resumed).not.toHaveProperty('reset');
  expect(await resuming.socket.next()).toMatchObject({ method: 'Call', params: { event: 'Answered' } });
  resuming.socket.close();
  await resuming.socket.closed;
  advanceClock(600_001);
  for (const state of ['start', 'ok']) await adapter.raiseEvent(transferEvent('c1', state, '', 'c2'));
  await untilApplied(site, adapter);
  await evictDurableObject(site.object);
  await adapter.raiseEvent(dialogEvent('c1', 4, 5));
  await untilApplied(site, adapter);
  await evictDurableObject(site.object);
  expect(await watch(await site.client(), { since: resumed.seq })).toMatchObject({ reset: true });
  adapter.close();
});

/** Runs a command that ends a call, and ends the call once the command has ended. Returns how the call is shown then. */
async function endedAfter(
  method: string,
  params: (callid: string) => object,
  betweenSteps: (site: TestSite) => Promise<void>,
): Promise<unknown> {
  const site = new TestSite();
  let callid = 'c1';
  const adapter = await site.adapter(
    scriptByMethod({
      t_uac_dlg: (each, mi) => {
        callid = each;
        return scenarios.calleeBusy(mi);
      },
      call_transfer: (_, mi) => scenarios.calleeBusy(mi),
      dlg_list: () => ({ outcome: 'timeout' }),
    }),
  );
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  const client = await site.client();
  await expect.poll(() => callOf(client, 'c1')).toBeDefined();
  await client.request(method, params(callid));
  await client.untilEnded();
  await betweenSteps(site);
  await adapter.raiseEvent(dialogEvent(callid, 2, 5));
  await expect.poll(async () => (await callOf(client, callid)).call.state).toBe('ended');
  const { call } = await callOf(client, callid);
  adapter.close();
  return { reason: call.reason, endedBy: call.ended_by };
}

it.each([
  ['CallStart', () => ({ caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' })],
  ['CallEnd', (callid: string) => ({ callid })],
] as const)('tells why a call ended although the object has hibernated since %s', async (method, params) => {
  const expected = await endedAfter(method, params, async () => {});
  const hibernated = await endedAfter(method, params, ({ object }) => evictDurableObject(object));
  expect(hibernated).toEqual(expected);
  expect(expected).toMatchObject({ reason: expect.stringMatching(/486|CallEnd/) });
});

it('does not apply the metadata of a running command again', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(
    scriptByMethod({
      call_hold: () => ({}),
      dlg_end_dlg: () => ({}),
      dlg_list: () => ({ outcome: 'timeout' }),
    }),
  );
  await adapter.raiseEvent(dialogEvent('c1', 1, 2));
  await adapter.raiseEvent(dialogEvent('c1', 2, 3));
  const client = await site.client();
  await expect.poll(async () => (await callOf(client, 'c1')).call.state).toBe('answered');
  await client.request('CallHold', { callid: 'c1', metadata: { n: 1 } });
  await (await site.client()).request('CallEnd', { callid: 'c1', metadata: { n: 2 } });
  const reader = await site.client();
  const shown = await callOf(reader, 'c1');
  expect(shown.call).toMatchObject({ metadata: { n: 2 } });
  await evictDurableObject(site.object);
  expect(await callOf(reader, 'c1')).toEqual(shown);
  adapter.close();
});
