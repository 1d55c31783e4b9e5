/** All adapters of a site serve it at the same time: which one runs a command, has a call, and reports an event. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { advanceClock } from '../../testing/clock.ts';
import { dialogEvent, scenarios } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';
import { attachmentOf } from '../sockets/attachments.ts';
import { LOST_ADAPTER_MS } from './active-adapters.ts';
import { chooseAdapter } from './choose-adapter.ts';
import { MAX_SEEN_EVENTS, SeenEvents } from './seen-events.ts';
import { LinkFixture } from './testing/link-fixture.ts';

const PARTIES = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
afterEach(() => void vi.useRealTimers());

/** Connects two adapters, whose OpenSIPS answers nothing, and a client that watches all calls. */
async function startTwo(replicated_dialogs = false) {
  const site = new TestSite();
  const fields = { active_adapters: { replicated_dialogs } };
  const connect = (adapter: string) => site.adapter(() => ({}), { adapter, fields });
  const one = await connect('one');
  const two = await connect('two');
  const client = await site.client({ policy: policy({}, { version: 0, ...fields }) });
  await client.request('CallWatch', {});
  const stateOf = async (callid: string) => {
    const { result } = await client.request('CallGet', { callid });
    return (result as unknown as { call: { state: string; adapter: string; reason?: string } }).call;
  };
  return { site, connect, one, two, client, stateOf };
}

const roles = async ({ object }: TestSite) => {
  const { adapters = [] } = await object.linkHealth(true);
  return adapters.map(({ adapter, role }) => `${adapter} ${role}`).sort();
};

describe('all adapters serve the site', () => {
  it('new calls go to the one that runs the fewest CallStarts, and each runs once', async () => {
    const { site, one, two, client } = await startTwo();
    for (let n = 0; n < 6; n++) await client.request('CallStart', PARTIES);
    const invites = (miRequests: readonly { method: string }[]) =>
      miRequests.filter(({ method }) => method === 't_uac_dlg').length;
    await expect.poll(() => [invites(one.miRequests), invites(two.miRequests)]).toEqual([3, 3]);
    expect(await roles(site)).toEqual(['one active', 'two active']);
  });

  it('a command about a call goes to the adapter that has it, and is refused while that is lost', async () => {
    const { one, two, client, stateOf } = await startTwo();
    await two.raiseEvent(dialogEvent('call', 1, 4));
    await expect.poll(() => stateOf('call')).toMatchObject({ adapter: 'two' });
    await client.request('CallEnd', { callid: 'call' });
    await expect.poll(() => two.miRequests.map(({ method }) => method)).toContain('dlg_end_dlg');
    expect(one.miRequests).toEqual([]);
    two.close();
    const data =
      /^The call "call" is at the OpenSIPS of the adapter "two", which was lost \d+ s ago\. Nothing was/;
    await expect
      .poll(() => client.request('CallHold', { callid: 'call', leg: 'caller' }))
      .toMatchObject({ error: { message: 'No adapter connected', data: expect.stringMatching(data) } });
    expect(one.miRequests).toEqual([]);
  });

  it('a CallEnd by the cmd_id of a CallStart that has ended is for the adapter of its call', async () => {
    const site = new TestSite();
    const fields = { active_adapters: { replicated_dialogs: false } };
    const one = await site.adapter(scenarios.startOk, { adapter: 'one', fields });
    const two = await site.adapter(() => ({}), { adapter: 'two', fields });
    const client = await site.client({ policy: policy({}, { version: 0, ...fields }) });
    await client.request('CallStart', { ...PARTIES, cmd_id: 'start' });
    await client.untilEnded();
    one.close();
    await expect
      .poll(() => client.request('CallEnd', { callid: 'start' }))
      .toMatchObject({ error: { data: expect.stringContaining('the adapter "one"') } });
    expect(two.miRequests).toEqual([]);
  });

  it('a CallStart that has not left when its adapter is lost is run by the other one', async () => {
    const { site, one, two, client } = await startTwo();
    const invites = ({ miRequests }: typeof one) =>
      miRequests.filter(({ method }) => method === 't_uac_dlg').length;
    // From so many pending requests on, turns are gathered: what they send leaves a moment later.
    for (let n = 0; n < 8; n++) await client.request('CallEnd', { callid: `call-${n}` });
    await runInDurableObject(site.object, (object, ctx) => {
      const attached = ctx.getWebSockets().map((socket) => ({ socket, attachment: attachmentOf(socket) }));
      const sender = attached.find(({ attachment }) => attachment.kind === 'client');
      const lost = attached.find(
        ({ attachment }) => attachment.kind === 'adapter' && attachment.hello?.adapter === 'one',
      );
      const request = { jsonrpc: '2.0', id: 'start', method: 'CallStart', params: PARTIES };
      if (sender) object.webSocketMessage(sender.socket, JSON.stringify(request));
      if (lost) object.webSocketClose(lost.socket, 1006, '');
    });
    await expect.poll(() => [invites(one), invites(two)]).toEqual([0, 1]);
    expect(await roles(site)).toEqual(['one lost', 'two active']);
  });

  it('an attended transfer of calls at two OpenSIPS is refused, and nothing is sent', async () => {
    const { one, two, client, stateOf } = await startTwo();
    await one.raiseEvent(dialogEvent('first', 1, 4));
    await two.raiseEvent(dialogEvent('second', 1, 4));
    await expect.poll(() => stateOf('second')).toMatchObject({ state: 'answered' });
    const calls = { callidA: 'first', legA: 'callee', callidB: 'second', legB: 'callee' };
    expect(await client.request('CallAttendedTransfer', calls)).toMatchObject({
      error: {
        code: -32602,
        data: 'callidB: the call "second" is at the OpenSIPS of the adapter "two", and callidA is at that of "one". Only calls at the same OpenSIPS can be joined. Use CallBlindTransfer.',
      },
    });
    expect([...one.miRequests, ...two.miRequests]).toEqual([]);
  });

  it('an event that both report is applied once', async () => {
    const { one, two, client } = await startTwo();
    await one.raiseEvent(dialogEvent('call', 1, 2));
    await two.raiseEvent(dialogEvent('call', 1, 2));
    await two.raiseEvent(dialogEvent('other', 1, 2));
    const { result } = await client.request('CallGet', { callid: 'call' });
    expect(result).toMatchObject({ call: { adapter: 'one' }, timeline: [{ event: 'Ringing' }] });
  });

  it('the calls of a lost adapter stand until it is back, or have ended after five minutes; those of the other stay', async () => {
    const { site, connect, one, two, stateOf } = await startTwo();
    await one.raiseEvent(dialogEvent('first', 1, 4));
    await two.raiseEvent(dialogEvent('second', 1, 4));
    await expect.poll(() => stateOf('second')).toMatchObject({ state: 'answered' });
    two.close();
    await expect.poll(() => roles(site)).toEqual(['one active', 'two lost']);
    expect(await stateOf('second')).toMatchObject({ state: 'answered', adapter: 'two' });
    const again = await connect('two');
    expect(await roles(site)).toEqual(['one active', 'two active']);
    again.close();
    await expect.poll(() => roles(site)).toEqual(['one active', 'two lost']);
    advanceClock(LOST_ADAPTER_MS + 1);
    const alive = await connect('one');
    await runDurableObjectAlarm(site.object);
    expect(await stateOf('second')).toMatchObject({ state: 'ended', reason: 'its adapter was lost' });
    expect(await stateOf('first')).toMatchObject({ state: 'answered' });
    expect(await roles(site)).toEqual(['one active']);
    alive.close();
  });

  it('with replicated dialogs, the call of a lost adapter belongs to the one that reports it', async () => {
    const { site, one, two, client, stateOf } = await startTwo(true);
    await two.raiseEvent(dialogEvent('call', 1, 4));
    await expect.poll(() => stateOf('call')).toMatchObject({ adapter: 'two' });
    two.close();
    await expect.poll(() => roles(site)).toEqual(['one active', 'two lost']);
    await one.raiseEvent(dialogEvent('call', 3, 4));
    await expect.poll(() => stateOf('call')).toMatchObject({ adapter: 'one' });
    await client.request('CallEnd', { callid: 'call' });
    await expect.poll(() => one.miRequests.map(({ method }) => method)).toContain('dlg_end_dlg');
  });

  it('a call and a command from before belong to the adapter that has served the site', async () => {
    const site = new TestSite();
    const before = await site.adapter(() => ({}), { adapter: 'one' });
    const client = await site.client();
    await before.raiseEvent(dialogEvent('call', 1, 4));
    const get = async () => (await client.request('CallGet', { callid: 'call' })).result;
    await expect.poll(get).toMatchObject({ call: { state: 'answered' } });
    await site.object.applyPolicy(policy({}, { active_adapters: { replicated_dialogs: false } }));
    expect(await before.closed).toMatchObject({ code: 1001 });
    expect(await roles(site)).toEqual(['one lost']);
    expect(await get()).toMatchObject({ call: { adapter: 'one' } });
  });
});

describe('adapters that are released because nobody needs them', () => {
  const withLink = (test: (fixture: LinkFixture) => void): Promise<void> =>
    runInDurableObject(new TestSite().object, (_, { storage }) =>
      test(new LinkFixture(storage, { replicated_dialogs: false })),
    );
  const rolesOf = ({ link }: LinkFixture) => link.roles.map(({ adapter, role }) => `${adapter} ${role}`);

  it('are not lost, after a crash too, until another one is connected', () =>
    withLink((fixture) => {
      fixture.connect({ adapter: 'one', stream: 'first' });
      fixture.connect({ adapter: 'two', stream: 'second' });
      fixture.link.release(1_000);
      expect(rolesOf(fixture)).toEqual([]);
      expect(fixture.link.due(true, true)).toBe(Number.POSITIVE_INFINITY);
      fixture.link.takeStatusChange();
      fixture.restore();
      expect(rolesOf(fixture)).toEqual([]);
      fixture.connect({ adapter: 'one', stream: 'first', now: 2_000 });
      expect(rolesOf(fixture)).toEqual(['one active', 'two lost']);
      expect(fixture.link.due(false)).toBe(2_000 + LOST_ADAPTER_MS);
      // It has another process since, whose predecessor may have missed events.
      fixture.connect({ adapter: 'two', stream: 'third', now: 3_000 });
      expect(rolesOf(fixture)).toEqual(['one active', 'two active']);
      expect(fixture.listener.resync).toHaveBeenCalledExactlyOnceWith(3_000, 'two');
    }));
});

describe('the choice of an adapter', () => {
  const opensips = (reachable: boolean) => ({ version: '', next_hop: '', reachable });
  const serving = [
    { adapter: 'busy', opensips: opensips(true) },
    { adapter: 'free', opensips: opensips(true) },
    { adapter: 'deaf', opensips: opensips(false) },
  ];
  const startsOf = (adapter: string) => ({ busy: 2, free: 1 })[adapter] ?? 0;
  it.each([
    [undefined, 'free'],
    ['busy', 'busy'],
    ['deaf', 'deaf'],
    ['lost', undefined],
  ])('for a call of %s: %s', (owner, expected) => {
    expect(chooseAdapter(serving, { owner, startsOf })?.adapter).toBe(expected);
  });
  it('is none if none serves the site', () => {
    expect(chooseAdapter([], { owner: undefined, startsOf })).toBeUndefined();
  });
});

describe('events that two adapters report', () => {
  it('are known by Call-ID, dialog and state, whatever the state was before', () => {
    const seen = new SeenEvents();
    expect(seen.isRepeated(dialogEvent('call', 1, 2), 'a')).toBe(false);
    expect(seen.isRepeated(dialogEvent('call', 1, 2), 'a')).toBe(false);
    expect(seen.isRepeated(dialogEvent('call', 2, 2), 'b')).toBe(true);
    expect(seen.isRepeated(dialogEvent('call', 2, 3), 'b')).toBe(false);
    expect(seen.isRepeated(dialogEvent('other', 1, 2), 'b')).toBe(false);
  });
  it('are taken from the other one if the first is lost, and forgotten if there are too many', () => {
    const seen = new SeenEvents();
    seen.isRepeated(dialogEvent('call', 1, 2), 'a');
    seen.forget('a');
    expect(seen.isRepeated(dialogEvent('call', 1, 2), 'b')).toBe(false);
    for (let n = 0; n < MAX_SEEN_EVENTS; n++) seen.isRepeated(dialogEvent(`call-${n}`, 1, 2), 'b');
    expect(seen.isRepeated(dialogEvent('call', 1, 2), 'a')).toBe(false);
  });
});
