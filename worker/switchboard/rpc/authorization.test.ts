/** What each client may do. For a client that is bound to an address, the calls of others do not exist. */
import { describe, expect, it } from 'vitest';
import type { Scope } from '../../../shared/policy/policy.ts';
import type { ScriptedAdapter } from '../../testing/adapter.ts';
import type { Client, CommandNotification } from '../../testing/client.ts';
import { scenarios, statefulCalls } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';
import { type Permissions, rejectReason, withOwnCallsOnly } from './authorization.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

const COMMANDS: [method: Exclude<Scope, 'read' | 'tokens' | 'manage'>, params: Record<string, string>][] = [
  ['CallStart', URIS],
  ['CallEnd', { callid: 'c1' }],
  ['CallHold', { callid: 'c1' }],
  ['CallUnhold', { callid: 'c1' }],
  ['CallBlindTransfer', { callid: 'c1', leg: 'caller', destination: 'sip:carol@127.0.0.1' }],
  ['CallAttendedTransfer', { callidA: 'c1', legA: 'caller', callidB: 'c2', legB: 'callee' }],
];
const otherScopes = (method: Scope) => COMMANDS.map(([name]) => name).filter((name) => name !== method);

describe('a permission check', () => {
  it.each(COMMANDS)('%s needs its own scope and no other', (method, params) => {
    expect(rejectReason(method, params, { scopes: [method] }, [])).toBeUndefined();
    expect(
      rejectReason(method, params, { scopes: [...otherScopes(method), 'read', 'tokens', 'manage'] }, []),
    ).toMatch(new RegExp(`^The scope ${method} is missing`));
  });

  it.each([
    ['CallStart', URIS, 'alice@*', /^caller:/],
    ['CallStart', URIS, 'bob@*', /^callee:/],
    ['CallBlindTransfer', COMMANDS[4]?.[1] ?? {}, 'carol@*', /^destination:/],
    [
      'CallAttendedTransfer',
      { ...COMMANDS[5]?.[1], destination: 'sip:carol@127.0.0.1' },
      'carol@*',
      /^destination:/,
    ],
  ] as const)('%s dials no address that the rules forbid', (method, params, pattern, reason) => {
    const rules = [{ allow: [], deny: [pattern] }];
    expect(rejectReason(method, params, { scopes: [method] }, rules)).toMatch(reason);
    expect(
      rejectReason(method, params, { scopes: [method] }, [{ allow: [], deny: ['dave@*'] }]),
    ).toBeUndefined();
  });

  it.each([
    ['its own', 'sip:alice@127.0.0.1', true],
    ['an equivalent one (RFC 3261 §19.1.4)', 'SIP:%61lice@127.0.0.1;x=y', true],
    ['another user', 'sip:mallory@127.0.0.1', false],
    ['another port', 'sip:alice@127.0.0.1:5070', false],
    ['another transport', 'sip:alice@127.0.0.1;transport=tcp', false],
    ['a user that differs in case', 'sip:Alice@127.0.0.1', false],
  ])('a token that is bound to an address dials from no other: %s', (_, caller, allowed) => {
    const permissions = { scopes: ['CallStart'] as const, caller: URIS.caller };
    const reason = rejectReason('CallStart', { ...URIS, caller }, permissions, []);
    if (allowed) expect(reason).toBeUndefined();
    else expect(reason).toMatch(/^caller: .* This token may call only from sip:alice@127\.0\.0\.1\.$/);
  });

  it('replaces the Call-ID of a call of others, for a bound token only', () => {
    const params = { callidA: 'mine', callidB: 'theirs', legA: 'caller' };
    const isOwn = (callid: string) => callid === 'mine';
    const bound = { scopes: [], caller: URIS.caller };
    const replaced = (permissions: Permissions) =>
      withOwnCallsOnly(params, permissions, isOwn, () => 'random');
    expect(replaced(bound)).toEqual({ ...params, callidB: 'random' });
    expect(replaced({ scopes: [] })).toEqual(params);
  });
});

describe('a request on a socket', () => {
  it('is answered with the name of the missing scope, and nothing is sent to OpenSIPS', async () => {
    const site = new TestSite();
    const adapter = await site.adapter(scenarios.endOk);
    for (const [method, params] of COMMANDS) {
      const client = await site.client({ scopes: otherScopes(method) });
      const answer = await client.request(method, params);
      expect(answer).toMatchObject({ error: { code: -32002, data: expect.stringContaining(method) } });
      expect(await client.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
    }
    expect(adapter.miRequests).toEqual([]);
    adapter.close();
  });

  it('must satisfy the rules of the tenant and those of the site', async () => {
    const site = new TestSite();
    const rules = [
      { allow: ['*@127.0.0.1'], deny: ['+1900*@*'] },
      { allow: [], deny: ['mallory@*'] },
    ];
    const adapter = await site.adapter(statefulCalls('one'));
    const client = await site.client({ policy: policy({}, { version: 2, rules }) });
    const start = (callee: string) => client.request('CallStart', { ...URIS, callee });
    for (const callee of ['sip:%2B1-900-555@127.0.0.1', 'sip:mallory@127.0.0.1', 'sip:bob@192.0.2.1'])
      expect(await start(callee)).toMatchObject({
        error: { code: -32002, data: expect.stringMatching(/^callee: /) },
      });
    expect(await start('sip:bob@127.0.0.1')).toMatchObject({ result: { event: 'Started' } });
    await client.untilEnded();
    adapter.close();
  });
});

describe('a token that is bound to an address', () => {
  /** A site where Alice's token has made the call `hers`, and Bob's the call `his`. */
  async function makeTwoCalls(): Promise<{
    site: TestSite;
    adapter: ScriptedAdapter;
    alice: Client;
    bob: Client;
  }> {
    const site = new TestSite();
    const adapter = await site.adapter(statefulCalls('hers', 'his'));
    const alice = await site.client({ subject: 'sub:alice', caller: 'sip:alice@127.0.0.1' });
    const bob = await site.client({ subject: 'sub:bob', caller: 'sip:bob@127.0.0.1' });
    await alice.request('CallStart', { ...URIS, cmd_id: 'a' });
    await alice.untilEnded();
    await bob.request('CallStart', {
      caller: 'sip:bob@127.0.0.1',
      callee: 'sip:alice@127.0.0.1',
      cmd_id: 'b',
    });
    await bob.untilEnded();
    return { site, adapter, alice, bob };
  }

  /** Notifications without the names and numbers of their command. */
  const contentOf = (notifications: readonly CommandNotification[]) =>
    notifications.map(({ event, data, error }) => ({ event, data, error }));

  it.each([
    ['CallEnd', (callid: string) => ({ callid })],
    ['CallHold', (callid: string) => ({ callid })],
    ['CallUnhold', (callid: string) => ({ callid })],
    [
      'CallBlindTransfer',
      (callid: string) => ({ callid, leg: 'caller', destination: 'sip:carol@127.0.0.1' }),
    ],
    [
      'CallAttendedTransfer',
      (callid: string) => ({ callidA: callid, legA: 'caller', callidB: 'hers', legB: 'caller' }),
    ],
    [
      'CallAttendedTransfer',
      (callid: string) => ({ callidA: 'hers', legA: 'caller', callidB: callid, legB: 'caller' }),
    ],
  ])('%s answers for the call of another as for one that does not exist', async (method, params) => {
    const { adapter, alice } = await makeTwoCalls();
    const before = adapter.miRequests.length;
    const run = async (callid: string) => {
      const answer = await alice.request(method, params(callid));
      expect(answer).toMatchObject({ result: { event: 'Started' } });
      return contentOf(await alice.untilEnded());
    };
    const ofOther = await run('his');
    const ofNone = await run('no-such-call');
    expect(ofOther).toEqual(ofNone);
    expect(ofOther).toMatchObject([{ event: 'Error', error: { code: -32005 } }, { event: 'Ended' }]);
    expect(JSON.stringify(adapter.miRequests.slice(before))).not.toMatch(/his|no-such-call/);
    adapter.close();
  });

  it('repeats a command for the call of another; the same `cmd_id` with another Call-ID is a conflict', async () => {
    const { adapter, alice } = await makeTwoCalls();
    await alice.request('CallEnd', { callid: 'his', cmd_id: 'e' });
    await alice.untilEnded();
    expect(await alice.request('CallEnd', { callid: 'his', cmd_id: 'e' })).toMatchObject({
      result: { replayed: true },
    });
    expect(await alice.request('CallEnd', { callid: 'hers', cmd_id: 'e' })).toMatchObject({
      error: { code: -32004 },
    });
    adapter.close();
  });

  it('holds and ends its own call, by its Call-ID or by its `cmd_id`', async () => {
    const { adapter, alice, bob } = await makeTwoCalls();
    await alice.request('CallHold', { callid: 'hers' });
    expect(contentOf(await alice.untilEnded()).at(-2)).toMatchObject({ event: 'CallHoldSuccessful' });
    await alice.request('CallEnd', { callid: 'hers' });
    expect(contentOf(await alice.untilEnded())).toEqual([{ event: 'Ended' }]);
    await bob.request('CallEnd', { callid: 'b' });
    expect(contentOf(await bob.untilEnded())).toEqual([{ event: 'Ended' }]);
    expect(adapter.miRequests.slice(-2).map(({ params }) => params)).toEqual([
      { dialog_id: 'hers' },
      { dialog_id: 'his' },
    ]);
    adapter.close();
  });

  it('cannot reach the call of another by a `cmd_id`, be it the other’s or one equal to the Call-ID', async () => {
    const { site, adapter, alice } = await makeTwoCalls();
    await alice.request('CallEnd', { callid: 'b' });
    expect((await alice.untilEnded())[0]).toMatchObject({ event: 'Error', error: { code: -32005 } });
    adapter.close();
    const busy = await site.adapter(scenarios.callerBusy);
    await alice.request('CallStart', { ...URIS, cmd_id: 'his' });
    await alice.untilEnded();
    await alice.request('CallEnd', { callid: 'his' });
    await alice.untilEnded();
    expect(JSON.stringify(busy.miRequests)).not.toContain('"his"');
    busy.close();
  });

  it('owns a new call from TransferStart on, before the answer', async () => {
    const site = new TestSite();
    const adapter = await site.adapter(statefulCalls('ringing', { answered: false }));
    const alice = await site.client({ subject: 'sub:alice', caller: 'sip:alice@127.0.0.1' });
    const mallory = await site.client({ subject: 'sub:mallory', caller: 'sip:mallory@127.0.0.1' });
    await alice.request('CallStart', URIS);
    for (let event = ''; event !== 'TransferStart'; )
      event = (await alice.socket.next<{ params: CommandNotification }>()).params.event;
    await mallory.request('CallEnd', { callid: 'ringing' });
    await mallory.untilEnded();
    const isEndRequested = () => adapter.miRequests.some(({ params }) => params['dialog_id'] === 'ringing');
    expect(isEndRequested()).toBe(false);
    await alice.request('CallEnd', { callid: 'ringing' });
    await expect.poll(isEndRequested).toBe(true);
    adapter.close();
  });

  it('still owns its call after another subject has transferred it', async () => {
    const { site, adapter, alice } = await makeTwoCalls();
    const agent = await site.client({ subject: 'key:agent' });
    await agent.request('CallBlindTransfer', {
      callid: 'hers',
      leg: 'callee',
      destination: 'sip:carol@127.0.0.1',
    });
    const notifications = await agent.untilEnded();
    expect(notifications.at(-2)).toMatchObject({
      event: 'TransferSuccessful',
      data: { callid: 'hers-moved' },
    });
    await alice.request('CallEnd', { callid: 'hers-moved' });
    expect(contentOf(await alice.untilEnded())).toEqual([{ event: 'Ended' }]);
    adapter.close();
  });
});
