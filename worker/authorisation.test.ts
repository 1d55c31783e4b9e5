/** Who may do what, as each client sees it: what is another's does not exist. */
import { describe, expect, it } from 'vitest';
import type { Scope } from '../shared/policy.ts';
import { refusalOf, withOwnCallsOnly } from './authorisation.ts';
import type { ScriptedAdapter } from './testing/adapter.ts';
import type { Client, Told } from './testing/client.ts';
import { callsMade, scenarios } from './testing/scenarios.ts';
import { policy, Site } from './testing/site.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

const commands: [method: Exclude<Scope, 'read' | 'tokens'>, params: Record<string, string>][] = [
  ['CallStart', uris],
  ['CallEnd', { callid: 'c1' }],
  ['CallHold', { callid: 'c1' }],
  ['CallUnhold', { callid: 'c1' }],
  ['CallBlindTransfer', { callid: 'c1', leg: 'caller', destination: 'sip:carol@127.0.0.1' }],
  ['CallAttendedTransfer', { callidA: 'c1', legA: 'caller', callidB: 'c2', legB: 'callee' }],
];
const others = (method: Scope) => commands.map(([name]) => name).filter((name) => name !== method);

describe('what is decided', () => {
  it.each(commands)('%s takes its own scope and no other', (method, params) => {
    expect(refusalOf(method, params, { scopes: [method] }, [])).toBeUndefined();
    expect(refusalOf(method, params, { scopes: [...others(method), 'read', 'tokens'] }, [])).toMatch(
      new RegExp(`^the scope ${method} is missing`),
    );
  });

  it('Echo takes none', () => {
    expect(refusalOf('Echo', { callee: 'x' }, { scopes: [] }, [{ allow: [], deny: ['*'] }])).toBeUndefined();
  });

  it.each([
    ['CallStart', uris, 'alice@*', /^caller:/],
    ['CallStart', uris, 'bob@*', /^callee:/],
    ['CallBlindTransfer', commands[4]?.[1] ?? {}, 'carol@*', /^destination:/],
    [
      'CallAttendedTransfer',
      { ...commands[5]?.[1], destination: 'sip:carol@127.0.0.1' },
      'carol@*',
      /^destination:/,
    ],
  ] as const)('%s: no address is dialled that the rules forbid', (method, params, pattern, sentence) => {
    const rules = [{ allow: [], deny: [pattern] }];
    expect(refusalOf(method, params, { scopes: [method] }, rules)).toMatch(sentence);
    expect(
      refusalOf(method, params, { scopes: [method] }, [{ allow: [], deny: ['dave@*'] }]),
    ).toBeUndefined();
  });

  it.each([
    ['itself', 'sip:alice@127.0.0.1', true],
    ['the same by RFC 3261 §19.1.4', 'SIP:%61lice@127.0.0.1;x=y', true],
    ['another user', 'sip:mallory@127.0.0.1', false],
    ['another port', 'sip:alice@127.0.0.1:5070', false],
    ['another transport', 'sip:alice@127.0.0.1;transport=tcp', false],
    ['a user that differs in case', 'sip:Alice@127.0.0.1', false],
  ])('a token bound to an address dials from it only: %s', (_, caller, allowed) => {
    const rights = { scopes: ['CallStart'] as const, caller: uris.caller };
    const refused = refusalOf('CallStart', { ...uris, caller }, rights, []);
    if (allowed) expect(refused).toBeUndefined();
    else expect(refused).toMatch(/^caller: this token may dial from sip:alice@127.0.0.1 only/);
  });

  it('a Call-ID that is not its own is replaced for a bound token, and for that alone', () => {
    const params = { callidA: 'mine', callidB: 'theirs', legA: 'caller' };
    const isOwn = (callid: string) => callid === 'mine';
    const bound = { scopes: [], caller: uris.caller };
    const hide = (rights: Parameters<typeof withOwnCallsOnly>[2]) =>
      withOwnCallsOnly('CallAttendedTransfer', params, rights, isOwn, () => 'random');
    expect(hide(bound)).toEqual({ ...params, callidB: 'random' });
    expect(hide({ scopes: [] })).toEqual(params);
    expect(withOwnCallsOnly('Echo', params, bound, isOwn, () => 'random')).toEqual(params);
  });
});

describe('through the socket', () => {
  it('a missing scope is named, and nothing reaches OpenSIPS', async () => {
    const site = new Site();
    const adapter = await site.adapter(scenarios.endOk);
    for (const [method, params] of commands) {
      const client = await site.client({ scopes: others(method) });
      const answer = await client.ask(method, params);
      expect(answer).toMatchObject({ error: { code: -32002, data: expect.stringContaining(method) } });
      expect(await client.ask('Echo', {})).toMatchObject({ result: { event: 'Started' } });
    }
    expect(adapter.asked).toEqual([]);
    adapter.close();
  });

  it('the rules of tenant and site both hold', async () => {
    const site = new Site();
    const rules = [
      { allow: ['*@127.0.0.1'], deny: ['+1900*@*'] },
      { allow: [], deny: ['mallory@*'] },
    ];
    const adapter = await site.adapter(callsMade('one'));
    const client = await site.client({ policy: policy({}, { version: 2, rules }) });
    const start = (callee: string) => client.ask('CallStart', { ...uris, callee });
    for (const callee of ['sip:%2B1-900-555@127.0.0.1', 'sip:mallory@127.0.0.1', 'sip:bob@192.0.2.1'])
      expect(await start(callee)).toMatchObject({
        error: { code: -32002, data: expect.stringMatching(/^callee: /) },
      });
    expect(await start('sip:bob@127.0.0.1')).toMatchObject({ result: { event: 'Started' } });
    await client.toEnd();
    adapter.close();
  });
});

describe('a token bound to an address', () => {
  /** A site where alice's token has made the call `hers` and bob's the call `his`. */
  async function twoCalls(): Promise<{ site: Site; adapter: ScriptedAdapter; alice: Client; bob: Client }> {
    const site = new Site();
    const adapter = await site.adapter(callsMade('hers', 'his'));
    const alice = await site.client({ subject: 'sub:alice', caller: 'sip:alice@127.0.0.1' });
    const bob = await site.client({ subject: 'sub:bob', caller: 'sip:bob@127.0.0.1' });
    await alice.ask('CallStart', { ...uris, cmd_id: 'a' });
    await alice.toEnd();
    await bob.ask('CallStart', { caller: 'sip:bob@127.0.0.1', callee: 'sip:alice@127.0.0.1', cmd_id: 'b' });
    await bob.toEnd();
    return { site, adapter, alice, bob };
  }

  /** As a client sees it: names and numbers of its own are left out. */
  const seen = (told: readonly Told[]) => told.map(({ event, data, error }) => ({ event, data, error }));

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
  ])('%s: the call of another is as one that does not exist', async (method, params) => {
    const { adapter, alice } = await twoCalls();
    const asked = adapter.asked.length;
    const ask = async (callid: string) => {
      const answer = await alice.ask(method, params(callid));
      expect(answer).toMatchObject({ result: { event: 'Started' } });
      return seen(await alice.toEnd());
    };
    const theirs = await ask('his');
    const nobodys = await ask('nobodys');
    expect(theirs).toEqual(nobodys);
    expect(theirs).toMatchObject([{ event: 'Error', error: { code: -32011 } }, { event: 'Ended' }]);
    expect(JSON.stringify(adapter.asked.slice(asked))).not.toMatch(/his|nobodys/);
    adapter.close();
  });

  it('asked again, such a command is the same one; with another Call-ID it is a conflict', async () => {
    const { adapter, alice } = await twoCalls();
    await alice.ask('CallEnd', { callid: 'his', cmd_id: 'e' });
    await alice.toEnd();
    expect(await alice.ask('CallEnd', { callid: 'his', cmd_id: 'e' })).toMatchObject({
      result: { replayed: true },
    });
    expect(await alice.ask('CallEnd', { callid: 'hers', cmd_id: 'e' })).toMatchObject({
      error: { code: -32004 },
    });
    adapter.close();
  });

  it('its own call is held and ended, by its Call-ID and by its cmd_id', async () => {
    const { adapter, alice, bob } = await twoCalls();
    await alice.ask('CallHold', { callid: 'hers' });
    expect(seen(await alice.toEnd()).at(-2)).toMatchObject({ event: 'CallHoldSuccessful' });
    await alice.ask('CallEnd', { callid: 'hers' });
    expect(seen(await alice.toEnd())).toEqual([{ event: 'Ended' }]);
    await bob.ask('CallEnd', { callid: 'b' });
    expect(seen(await bob.toEnd())).toEqual([{ event: 'Ended' }]);
    expect(adapter.asked.slice(-2).map(({ params }) => params)).toEqual([
      { dialog_id: 'hers' },
      { dialog_id: 'his' },
    ]);
    adapter.close();
  });

  it('the cmd_id of another is none, nor does a cmd_id of its own that names a call of another help', async () => {
    const { site, adapter, alice } = await twoCalls();
    await alice.ask('CallEnd', { callid: 'b' });
    expect((await alice.toEnd())[0]).toMatchObject({ event: 'Error', error: { code: -32011 } });
    adapter.close();
    const busy = await site.adapter(scenarios.callerBusy);
    await alice.ask('CallStart', { ...uris, cmd_id: 'his' });
    await alice.toEnd();
    await alice.ask('CallEnd', { callid: 'his' });
    await alice.toEnd();
    expect(JSON.stringify(busy.asked)).not.toContain('"his"');
    busy.close();
  });

  it('knows its own call from TransferStart on, before it is answered', async () => {
    const site = new Site();
    const adapter = await site.adapter(callsMade('ringing', { answered: false }));
    const alice = await site.client({ subject: 'sub:alice', caller: 'sip:alice@127.0.0.1' });
    const mallory = await site.client({ subject: 'sub:mallory', caller: 'sip:mallory@127.0.0.1' });
    await alice.ask('CallStart', uris);
    for (let event = ''; event !== 'TransferStart'; )
      event = (await alice.socket.next<{ params: Told }>()).params.event;
    await mallory.ask('CallEnd', { callid: 'ringing' });
    await mallory.toEnd();
    const ended = () => adapter.asked.map(({ params }) => params['dialog_id']).includes('ringing');
    expect(ended()).toBe(false);
    await alice.ask('CallEnd', { callid: 'ringing' });
    await expect.poll(ended).toBe(true);
    adapter.close();
  });

  it('a call that another has transferred remains its own', async () => {
    const { site, adapter, alice } = await twoCalls();
    const agent = await site.client({ subject: 'key:agent' });
    await agent.ask('CallBlindTransfer', {
      callid: 'hers',
      leg: 'callee',
      destination: 'sip:carol@127.0.0.1',
    });
    const told = await agent.toEnd();
    expect(told.at(-2)).toMatchObject({ event: 'TransferSuccessful', data: { callid: 'hers-moved' } });
    await alice.ask('CallEnd', { callid: 'hers-moved' });
    expect(seen(await alice.toEnd())).toEqual([{ event: 'Ended' }]);
    adapter.close();
  });
});
