/**
 * Each command against a real OpenSIPS with SIP phones, through the front door: client, edge, adapter, OpenSIPS,
 * phones. What the clients are told must be true at the phones.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { callidOf, events, type Told } from '../stack/client.ts';
import type { Manner } from './manners.ts';
import { findOpenSips } from './opensips.ts';
import type { Phone } from './phone.ts';
import type { Request } from './sip-message.ts';
import { World } from './world.ts';

const begun = ['CallerAnswered', 'Transferring'];
const complete = [...begun, 'TransferStart', 'CalleeAnswered', 'Ended'];

/**
 * The events that always come. OpenSIPS raises no ringing where a phone answers in the same millisecond, since
 * then one of its workers may read the 200 before another reads the 180 (seen in 2 of 600 calls); and a phone's
 * last NOTIFY may come before `ok` or after it (13 of 600).
 */
const course = (told: readonly Told[]) =>
  events(told).filter((event) => event !== 'CallerRinging' && event !== 'TransferPending');
const sentence = (told: readonly Told[]) => told.find(({ event }) => event === 'Error')?.data;
const start = ({ client }: World, caller: string, callee: string) =>
  client.toEnd('CallStart', { caller, callee });

/** What a client is told may reach the phones a little later. */
const soon = (promise: () => void) => vi.waitFor(promise, { timeout: 5_000, interval: 5 });
/** The phone has this call and no other, or none at all; and each BYE that it sent was taken. */
const has = (phone: Phone, ...callids: string[]) =>
  soon(() => {
    const { calls, idle, refusedByes } = phone;
    expect({ calls, idle, refusedByes }).toEqual({
      calls: callids,
      idle: callids.length === 0,
      refusedByes: [],
    });
  });

describe.skipIf(!findOpenSips())('a real OpenSIPS (needs the command opensips on the PATH)', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.open();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** What OpenSIPS itself told of the transfer that made this call. */
  const raised = (callid: string) =>
    world.opensips.transfers.flatMap((each) => (each.transfer_callid === callid ? [each.state] : []));

  /** Two phones in a call that CallStart made. */
  async function talking(caller: Manner = 'keep', callee: Manner = 'keep') {
    const [alice, bob] = [await world.phone(caller), await world.phone(callee)];
    const callid = callidOf(await start(world, alice.uri, bob.uri), 'CalleeAnswered');
    await has(alice, callid);
    await has(bob, callid);
    return { alice, bob, callid };
  }

  describe.concurrent('what only a deadline ends', () => {
    it('the caller’s phone refuses the REFER', async () => {
      const [alice, bob] = [await world.phone('norefer'), await world.phone()];
      const told = await start(world, alice.uri, bob.uri);
      expect(course(told)).toEqual([...begun, 'Error', 'Ended']);
      expect(sentence(told)).toMatch(/did not take it, or its destination was not reached/);
      await has(alice);
      await has(bob);
    });

    it.each<Manner>(['keep', 'ok'])(
      'nobody has registered as the callee; the caller’s phone does as %s',
      async (manner) => {
        const alice = await world.phone(manner);
        const told = await start(world, alice.uri, world.nobody);
        expect(course(told)).toEqual([...begun, 'Error', 'Ended']);
        expect(sentence(told)).toMatch(/^transfer failed/);
        await has(alice);
      },
    );

    it('OpenSIPS restarts: the adapter sees it, subscribes again, and calls go on', async () => {
      await using own = await World.open();
      const [alice, bob] = [await own.phone(), await own.phone()];
      expect(course(await start(own, alice.uri, bob.uri))).toEqual(complete);
      const before = own.adapter.log();
      await own.opensips.restart();
      const since = () => own.adapter.log().slice(before.length);
      await vi.waitFor(() => expect(since()).toMatch(/OpenSIPS restarted/), { timeout: 20_000 });
      expect(since()).toMatch(/subscribed to events/);
      await Promise.all([alice.register(), bob.register()]);
      expect(course(await start(own, alice.uri, bob.uri))).toEqual(complete);
    });
  });

  describe.concurrent('CallStart', () => {
    it('tells each step, and at its end both phones are in the call of which it told', async () => {
      const [alice, bob] = [await world.phone('answer-300'), await world.phone('answer-300')];
      const parties = { caller: alice.uri, callee: bob.uri };
      const told = await start(world, alice.uri, bob.uri);
      const callid = callidOf(told, 'CalleeAnswered');
      const steps = told.filter(({ event }) => event !== 'TransferPending');
      expect(steps.map(({ event, data }) => [event, data])).toEqual([
        ['CallerRinging', parties],
        ['CallerAnswered', parties],
        ['Transferring', { caller: alice.uri, destination: bob.uri }],
        ['TransferStart', { callid, ...parties }],
        ['CalleeAnswered', { callid, ...parties }],
        ['Ended', undefined],
      ]);
      await has(alice, callid);
      await has(bob, callid);
      await soon(() => expect(raised(callid)).toContain('ok'));
    });

    it.each<[string, Manner]>([
      ['keeps the first leg until it is told', 'keep'],
      ['hangs the first leg up by itself', 'ok'],
    ])('the caller’s phone %s', async (_, manner) => {
      const [alice, bob] = [await world.phone(manner), await world.phone()];
      const told = await start(world, alice.uri, bob.uri);
      expect(course(told)).toEqual(complete);
      const callid = callidOf(told, 'CalleeAnswered');
      await has(alice, callid);
      await has(bob, callid);
    });

    it.each<[string, Manner]>([
      ['osid', 'early'],
      ['the contact of the caller', 'early-bare'],
    ])('OpenSIPS raises no event, though the call stands: found by %s', async (_, manner) => {
      const [alice, bob] = [await world.phone(manner), await world.phone()];
      const told = await start(world, alice.uri, bob.uri);
      expect(course(told)).toEqual(complete);
      const callid = callidOf(told, 'CalleeAnswered');
      await has(alice, callid);
      await has(bob, callid);
      expect(raised(callid)).toEqual([]);
    });

    it('the caller is busy', async () => {
      const [alice, bob] = [await world.phone('busy'), await world.phone()];
      const told = await start(world, alice.uri, bob.uri);
      expect(events(told)).toEqual(['Error', 'Ended']);
      expect(sentence(told)).toBe('failed to establish initial call: 486 Busy Here');
    });

    it('nobody has registered as the caller', async () => {
      const told = await start(world, world.nobody, (await world.phone()).uri);
      expect(events(told)).toEqual(['Error', 'Ended']);
      expect(sentence(told)).toBe('failed to establish initial call: 404 Not Found');
    });

    it.each<Manner>(['keep', 'ok'])('the callee is busy; the caller’s phone does as %s', async (manner) => {
      const [alice, bob] = [await world.phone(manner), await world.phone('busy')];
      const told = await start(world, alice.uri, bob.uri);
      expect(course(told)).toEqual([...begun, 'TransferStart', 'Error', 'Ended']);
      expect(sentence(told)).toBe('transfer failed with status 486 Busy Here');
      await has(alice);
    });
  });

  describe.concurrent('what a CallStart asks of the caller’s phone', () => {
    /** The lines of an INVITE that are ours to write, in their order. */
    const ours = ({ headers }: Request) =>
      headers.filter(([name]) => /^(from|to|contact|cseq|call-info|alert-info|x-.*)$/.test(name));

    it('arrives as it was written, and the call goes on as any other', async () => {
      const [alice, bob] = [await world.phone(), await world.phone()];
      const told = await world.client.toEnd('CallStart', {
        caller: alice.uri,
        callee: bob.uri,
        display: 'Zoë "Ace" O’Neil, <b>; 電話 😀!!',
        auto_answer: true,
        headers: { 'X-Ticket': '4711', 'X-Note': 'grüß "q", <x>; y=1 %0d%0aX-Evil: 1' },
      });
      expect(course(told)).toEqual(complete);
      const { host, port } = world.opensips.sip;
      const [invite] = alice.invites;
      expect(invite && ours(invite)).toEqual([
        ['to', `<${bob.uri}>`],
        ['from', expect.stringContaining(`"Zoë \\"Ace\\" O’Neil, <b>; 電話 😀!!" <${alice.uri}>;tag=`)],
        ['cseq', '1 INVITE'],
        ['contact', `<sip:call-api@${host}:${port}>`],
        ['call-info', `<sip:${host}:${port}>;answer-after=0`],
        ['alert-info', `<sip:${host}:${port}>;info=alert-autoanswer;delay=0`],
        ['x-note', 'grüß "q", <x>; y=1 %0d%0aX-Evil: 1'],
        ['x-ticket', '4711'],
      ]);
      const callid = callidOf(told, 'CalleeAnswered');
      await has(alice, callid);
      await has(bob, callid);
    });

    it('arrives whole at its longest', async () => {
      const alice = await world.phone('busy');
      const headers = Object.fromEntries(
        Array.from({ length: 10 }, (_, n) => [`X-${n}${'n'.repeat(39)}`, `${n}`.repeat(256)]),
      );
      const params = { caller: alice.uri, callee: world.nobody, display: '電'.repeat(64), headers };
      await world.client.toEnd('CallStart', params);
      const [invite] = alice.invites;
      const own = invite ? ours(invite).filter(([name]) => name.startsWith('x-')) : [];
      expect(own).toEqual(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      expect(invite && ours(invite)[1]?.[1]).toContain(`"${params.display}" <`);
    });

    it.each([
      [{ headers: { 'X-A': 'left\\r\\nX-Evil: yes' } }, /^headers\.X-A: has a \\/],
      [{ headers: { 'X-A': 'hello!world', 'X-B': 'two' } }, /^headers\.X-A: has a !/],
      [{ display: 'a\\nb' }, /^display: has a \\/],
      [{ display: 'a\r\nX-Evil: yes' }, /^display: has a line end/],
    ])('is refused where OpenSIPS would read it as something else: %j', async (wishes, data) => {
      const alice = await world.phone('busy');
      const params = { caller: alice.uri, callee: world.nobody };
      expect(await world.client.ask('CallStart', { ...params, ...wishes })).toMatchObject({
        error: { code: -32602, data: expect.stringMatching(data) },
      });
      await world.client.toEnd('CallStart', params);
      expect(alice.invites.flatMap(({ headers }) => headers).filter(([name]) => /^x-/.test(name))).toEqual(
        [],
      );
      expect(alice.invites).toHaveLength(1);
    });
  });

  describe.concurrent('CallEnd', () => {
    it('ends the call at both phones', async () => {
      const { alice, bob, callid } = await talking();
      expect(events(await world.client.toEnd('CallEnd', { callid }))).toEqual(['Ended']);
      await has(alice);
      await has(bob);
      await vi.waitFor(async () => expect(await world.opensips.stands(callid)).toBe(false), {
        timeout: 5_000,
      });
    });

    it('a call that is not there is not found', async () => {
      for (const method of ['CallEnd', 'CallHold', 'CallUnhold']) {
        expect(sentence(await world.client.toEnd(method, { callid: 'never-was' }))).toMatch(/^404 /);
      }
    });

    it.each<[string, Manner, Manner, string]>([
      ['caller', 'ring', 'keep', 'CallerRinging'],
      ['callee', 'keep', 'ring', 'TransferStart'],
    ])('by its cmd_id while the %s rings: every phone stops', async (_, caller, callee, moment) => {
      const [alice, bob] = [await world.phone(caller), await world.phone(callee)];
      const run = await world.client.run('CallStart', { caller: alice.uri, callee: bob.uri });
      await run.event(moment);
      await soon(() => expect(alice.rings || bob.rings).toBe(true));
      expect(events(await world.client.toEnd('CallEnd', { callid: run.cmdId }))).toEqual(['Ended']);
      expect(events(await run.ended).slice(-2)).toEqual(['Error', 'Ended']);
      expect(sentence(await run.ended)).toMatch(/487 Request Terminated$/);
      await has(alice);
      await has(bob);
    });
  });

  describe.concurrent('CallHold', () => {
    it('both are held, and not twice; both are taken back, and not twice', async () => {
      const { alice, bob, callid } = await talking();
      const hold = await world.client.toEnd('CallHold', { callid });
      expect(hold.map(({ event }) => event).sort()).toEqual(
        ['CallHolding', ...twice('CallHoldStart'), ...twice('CallHoldSuccessful'), 'Ended'].sort(),
      );
      expect(events(hold)[0]).toBe('CallHolding');
      expect(events(hold).at(-1)).toBe('Ended');
      expect([alice.isHeld(callid), bob.isHeld(callid)]).toEqual([true, true]);
      expect(sentence(await world.client.toEnd('CallHold', { callid }))).toBe(
        '480 Both dialog legs are on hold',
      );
      expect(events(await world.client.toEnd('CallUnhold', { callid })).at(-2)).toBe('CallUnholdSuccessful');
      expect([alice.isHeld(callid), bob.isHeld(callid)]).toEqual([false, false]);
      expect(sentence(await world.client.toEnd('CallUnhold', { callid }))).toBe('480 No dialog legs on hold');
      await has(alice, callid);
      await has(bob, callid);
    });

    it('of one leg: 4.0 holds it, and an older OpenSIPS is not even asked', async () => {
      const { alice, bob, callid } = await talking();
      if (world.opensips.major >= 4) {
        const told = await world.client.toEnd('CallHold', { callid, leg: 'callee' });
        expect(events(told)).toContain('CallHoldSuccessful');
        expect(bob.isHeld(callid)).toBe(true);
        return;
      }
      for (const method of ['CallHold', 'CallUnhold']) {
        expect(await world.client.ask(method, { callid, leg: 'callee' })).toMatchObject({
          error: { code: -32602, data: expect.stringMatching(/^leg: OpenSIPS 3\..* needs 4\.0 or newer/) },
        });
      }
      expect([alice.isHeld(callid), bob.isHeld(callid)]).toEqual([false, false]);
      expect(events(await world.client.toEnd('CallHold', { callid })).at(-2)).toBe('CallHoldSuccessful');
    });

    it('a phone that refuses is named', async () => {
      const { alice, bob, callid } = await talking('keep', 'nohold');
      const told = await world.client.toEnd('CallHold', { callid });
      expect(told.find(({ event }) => event === 'CallHoldFailed')?.data).toEqual({ leg: 'callee' });
      expect(told.find(({ event }) => event === 'CallHoldSuccessful')?.data).toEqual({ leg: 'caller' });
      expect(events(told).slice(-2)).toEqual(['Error', 'Ended']);
      await has(alice, callid);
      await has(bob, callid);
    });
  });

  describe.concurrent('CallBlindTransfer', () => {
    it.each<['caller' | 'callee']>([['callee'], ['caller']])('sends the %s away', async (leg) => {
      const { alice, bob, callid } = await talking();
      const [sent, left] = leg === 'caller' ? [alice, bob] : [bob, alice];
      const carol = await world.phone();
      const told = await world.client.toEnd('CallBlindTransfer', { callid, leg, destination: carol.uri });
      expect(course(told)).toEqual(['Transferring', 'TransferStart', 'TransferSuccessful', 'Ended']);
      const next = callidOf(told, 'TransferSuccessful');
      await has(sent, next);
      await has(carol, next);
      await has(left);
    });

    it('the destination is busy: the call stands', async () => {
      const { alice, bob, callid } = await talking();
      const carol = await world.phone('busy');
      const params = { callid, leg: 'callee', destination: carol.uri };
      const told = await world.client.toEnd('CallBlindTransfer', params);
      expect(sentence(told)).toBe('transfer failed with status 486 Busy Here');
      await has(alice, callid);
      await has(bob, callid);
      expect(sentence(await world.client.toEnd('CallBlindTransfer', params))).toBe('491 Request Pending');
    });
  });

  describe.concurrent('CallAttendedTransfer', () => {
    const transfer = (callidA: string, callidB: string) =>
      world.client.toEnd('CallAttendedTransfer', { callidA, legA: 'callee', callidB, legB: 'callee' });

    it('connects a party of one call with a party of another', async () => {
      const [one, other] = [await talking(), await talking()];
      const told = await transfer(one.callid, other.callid);
      expect(course(told)).toEqual(['Transferring', 'TransferStart', 'TransferSuccessful', 'Ended']);
      const next = callidOf(told, 'TransferSuccessful');
      await has(one.bob, next);
      await has(other.bob, next);
      await has(one.alice);
      await has(other.alice);
    });

    it('the other phone refuses: both calls stand', async () => {
      const [one, other] = [await talking(), await talking('keep', 'norep')];
      const told = await transfer(one.callid, other.callid);
      expect(sentence(told)).toBe('transfer failed with status 486 Busy Here');
      for (const phone of [one.alice, one.bob]) await has(phone, one.callid);
      for (const phone of [other.alice, other.bob]) await has(phone, other.callid);
    });
  });
});

const twice = (event: string) => [event, event];
