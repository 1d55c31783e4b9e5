/**
 * Each command with a real OpenSIPS and SIP phones, end to end: client, edge, adapter, OpenSIPS, phones. The
 * notifications of the client must agree with the calls of the phones.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { callidOf, eventNames, type Notification } from '../harness/client.ts';
import { eventually, expectCalls } from './assertions.ts';
import { OpenSipsHarness } from './harness.ts';
import { findOpenSips } from './opensips.ts';
import type { BehaviorName } from './phone-behavior.ts';
import type { Request } from './sip-message.ts';

const FIRST_EVENTS = ['CallerAnswered', 'Transferring'];
const ALL_EVENTS = [...FIRST_EVENTS, 'TransferStart', 'CalleeAnswered', 'Ended'];

/**
 * Returns the events that do not depend on timing. OpenSIPS raises no ringing event if a phone answers in the same
 * millisecond, because one of its workers may then read the 200 before another reads the 180 (2 of 600 calls). A
 * phone's last NOTIFY may arrive before or after `ok` (13 of 600).
 */
const selectEvents = (notifications: readonly Notification[]) =>
  eventNames(notifications).filter((event) => event !== 'CallerRinging' && event !== 'TransferPending');
const errorText = (notifications: readonly Notification[]) =>
  notifications.find(({ event }) => event === 'Error')?.data;
const startCall = ({ client }: OpenSipsHarness, caller: string, callee: string) =>
  client.runToEnd('CallStart', { caller, callee });

describe.skipIf(!findOpenSips())('a real OpenSIPS (needs the command opensips on the PATH)', () => {
  let harness: OpenSipsHarness;
  beforeAll(async () => {
    harness = await OpenSipsHarness.open();
  }, 60_000);
  afterEach(() => harness.opensips.assertAlive());
  afterAll(() => harness[Symbol.asyncDispose]());

  /** Returns the states of the E_CALL_TRANSFER events for the transfer that created this call. */
  const transferStates = (callid: string) =>
    harness.opensips.transferEvents.flatMap((event) =>
      event['transfer_callid'] === callid ? [event['state']] : [],
    );

  /** Connects two phones with a CallStart. */
  async function connectPhones(caller: BehaviorName = 'keep', callee: BehaviorName = 'keep') {
    const [alice, bob] = [await harness.openPhone(caller), await harness.openPhone(callee)];
    const callid = callidOf(await startCall(harness, alice.uri, bob.uri), 'CalleeAnswered');
    await expectCalls(alice, callid);
    await expectCalls(bob, callid);
    return { alice, bob, callid };
  }

  describe.concurrent('a command that only its deadline ends', () => {
    it('fails a CallStart if the caller’s phone refuses the REFER', async () => {
      const [alice, bob] = [await harness.openPhone('norefer'), await harness.openPhone()];
      const notifications = await startCall(harness, alice.uri, bob.uri);
      expect(selectEvents(notifications).slice(-2)).toEqual(['Error', 'Ended']);
      // OpenSIPS 3.4 cannot send the REFER within the dialog, and callops does not report the phone's answer.
      expect(errorText(notifications)).toMatch(/status 603 Decline|did not accept it, or did not reach/);
      await expectCalls(alice);
      await expectCalls(bob);
    });

    it.each<BehaviorName>(['keep', 'ok'])(
      'fails a CallStart if the callee is not registered (caller’s phone: %s)',
      async (behavior) => {
        const alice = await harness.openPhone(behavior);
        const notifications = await startCall(harness, alice.uri, harness.unregisteredUri);
        expect(selectEvents(notifications)).toEqual([...FIRST_EVENTS, 'Error', 'Ended']);
        expect(errorText(notifications)).toMatch(/^transfer failed/);
        await expectCalls(alice);
      },
    );

    it('detects a restart of OpenSIPS, subscribes again, and completes further calls', async () => {
      await using ownHarness = await OpenSipsHarness.open();
      const [alice, bob] = [await ownHarness.openPhone(), await ownHarness.openPhone()];
      expect(selectEvents(await startCall(ownHarness, alice.uri, bob.uri))).toEqual(ALL_EVENTS);
      const logBefore = ownHarness.adapter.log();
      await ownHarness.opensips.restart();
      const newLog = () => ownHarness.adapter.log().slice(logBefore.length);
      await vi.waitFor(() => expect(newLog()).toMatch(/OpenSIPS restarted/), { timeout: 20_000 });
      expect(newLog()).toMatch(/Subscribed to events/);
      await Promise.all([alice.register(), bob.register()]);
      expect(selectEvents(await startCall(ownHarness, alice.uri, bob.uri))).toEqual(ALL_EVENTS);
    });
  });

  describe.concurrent('CallStart', () => {
    it('sends a notification for each step, and ends with both phones in the reported call', async () => {
      const [alice, bob] = [await harness.openPhone('answer-300'), await harness.openPhone('answer-300')];
      const parties = { caller: alice.uri, callee: bob.uri };
      const notifications = await startCall(harness, alice.uri, bob.uri);
      const callid = callidOf(notifications, 'CalleeAnswered');
      const steps = notifications.filter(({ event }) => event !== 'TransferPending');
      expect(steps.map(({ event, data }) => [event, data])).toEqual([
        ['CallerRinging', parties],
        ['CallerAnswered', parties],
        ['Transferring', { caller: alice.uri, destination: bob.uri }],
        ['TransferStart', { callid, ...parties }],
        ['CalleeAnswered', { callid, ...parties }],
        ['Ended', undefined],
      ]);
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
      await eventually(() => expect(transferStates(callid)).toContain('ok'));
    });

    it.each<[string, BehaviorName]>([
      ['keeps the first leg until it gets a BYE', 'keep'],
      ['hangs up the first leg by itself', 'ok'],
    ])('succeeds if the caller’s phone %s', async (_, behavior) => {
      const [alice, bob] = [await harness.openPhone(behavior), await harness.openPhone()];
      const notifications = await startCall(harness, alice.uri, bob.uri);
      expect(selectEvents(notifications)).toEqual(ALL_EVENTS);
      const callid = callidOf(notifications, 'CalleeAnswered');
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
    });

    it.each<[string, BehaviorName]>([
      ['osid', 'early'],
      ['the caller’s contact', 'early-bare'],
    ])('finds the call by %s if OpenSIPS raises no event for it', async (_, behavior) => {
      const [alice, bob] = [await harness.openPhone(behavior), await harness.openPhone()];
      const notifications = await startCall(harness, alice.uri, bob.uri);
      expect(selectEvents(notifications)).toEqual(ALL_EVENTS);
      const callid = callidOf(notifications, 'CalleeAnswered');
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
      expect(transferStates(callid)).toEqual([]);
    });

    it('fails if the caller is busy', async () => {
      const [alice, bob] = [await harness.openPhone('busy'), await harness.openPhone()];
      const notifications = await startCall(harness, alice.uri, bob.uri);
      expect(eventNames(notifications)).toEqual(['Error', 'Ended']);
      expect(errorText(notifications)).toBe('failed to establish initial call: 486 Busy Here');
    });

    it('fails if the caller is not registered', async () => {
      const notifications = await startCall(
        harness,
        harness.unregisteredUri,
        (await harness.openPhone()).uri,
      );
      expect(eventNames(notifications)).toEqual(['Error', 'Ended']);
      expect(errorText(notifications)).toBe('failed to establish initial call: 404 Not Found');
    });

    it.each<BehaviorName>(['keep', 'ok'])(
      'fails if the callee is busy (caller’s phone: %s)',
      async (behavior) => {
        const [alice, bob] = [await harness.openPhone(behavior), await harness.openPhone('busy')];
        const notifications = await startCall(harness, alice.uri, bob.uri);
        expect(selectEvents(notifications)).toEqual([...FIRST_EVENTS, 'TransferStart', 'Error', 'Ended']);
        expect(errorText(notifications)).toBe('transfer failed with status 486 Busy Here');
        await expectCalls(alice);
      },
    );
  });

  describe.concurrent('the headers of a CallStart', () => {
    /** Returns the headers of an INVITE that the edge sets, in their order. */
    const selectHeaders = ({ headers }: Request) =>
      headers.filter(([name]) => /^(from|to|contact|cseq|call-info|alert-info|x-.*)$/.test(name));

    it('reach the caller’s phone unchanged, and the call completes', async () => {
      const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
      const notifications = await harness.client.runToEnd('CallStart', {
        caller: alice.uri,
        callee: bob.uri,
        display: 'Zoë "Ace" O’Neil, <b>; 電話 😀!!',
        auto_answer: true,
        headers: { 'X-Ticket': '4711', 'X-Note': 'grüß "q", <x>; y=1 %0d%0aX-Evil: 1' },
      });
      expect(selectEvents(notifications)).toEqual(ALL_EVENTS);
      const { host, port } = harness.opensips.sip;
      const [invite] = alice.receivedInvites;
      expect(invite && selectHeaders(invite)).toEqual([
        ['to', `<${alice.uri}>`],
        ['from', expect.stringContaining(`"Zoë \\"Ace\\" O’Neil, <b>; 電話 😀!!" <${bob.uri}>;tag=`)],
        ['cseq', '1 INVITE'],
        ['contact', `<sip:call-api@${host}:${port}>`],
        ['call-info', `<sip:${host}:${port}>;answer-after=0`],
        ['alert-info', `<sip:${host}:${port}>;info=alert-autoanswer;delay=0`],
        ['x-note', 'grüß "q", <x>; y=1 %0d%0aX-Evil: 1'],
        ['x-ticket', '4711'],
      ]);
      const callid = callidOf(notifications, 'CalleeAnswered');
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
    });

    it('reach the caller’s phone complete at their maximum length', async () => {
      const alice = await harness.openPhone('busy');
      const headers = Object.fromEntries(
        Array.from({ length: 10 }, (_, n) => [`X-${n}${'n'.repeat(39)}`, `${n}`.repeat(256)]),
      );
      const params = {
        caller: alice.uri,
        callee: harness.unregisteredUri,
        display: '電'.repeat(64),
        headers,
      };
      await harness.client.runToEnd('CallStart', params);
      const [invite] = alice.receivedInvites;
      const customHeaders = invite ? selectHeaders(invite).filter(([name]) => name.startsWith('x-')) : [];
      expect(customHeaders).toEqual(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      expect(invite && selectHeaders(invite)[1]?.[1]).toContain(`"${params.display}" <`);
    });

    it.each([
      [{ headers: { 'X-A': 'left\\r\\nX-Evil: yes' } }, /^headers\.X-A: .* contains "\\\\"/],
      [{ headers: { 'X-A': 'hello!harness', 'X-B': 'two' } }, /^headers\.X-A: .* contains "!"/],
      [{ display: 'a\\nb' }, /^display: .* contains "\\\\"/],
      [{ display: 'a\r\nX-Evil: yes' }, /^display: .* contains a line break/],
    ])('are rejected if OpenSIPS would misinterpret them: %j', async (options, data) => {
      const alice = await harness.openPhone('busy');
      const params = { caller: alice.uri, callee: harness.unregisteredUri };
      expect(await harness.client.request('CallStart', { ...params, ...options })).toMatchObject({
        error: { code: -32602, data: expect.stringMatching(data) },
      });
      await harness.client.runToEnd('CallStart', params);
      expect(
        alice.receivedInvites.flatMap(({ headers }) => headers).filter(([name]) => /^x-/.test(name)),
      ).toEqual([]);
      expect(alice.receivedInvites).toHaveLength(1);
    });
  });

  describe.concurrent('CallEnd', () => {
    it('ends the call at both phones', async () => {
      const { alice, bob, callid } = await connectPhones();
      expect(eventNames(await harness.client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
      await expectCalls(alice);
      await expectCalls(bob);
      await vi.waitFor(async () => expect(await harness.opensips.isDialogActive(callid)).toBe(false), {
        timeout: 5_000,
      });
    });

    it('fails with 404 for an unknown call', async () => {
      for (const method of ['CallEnd', 'CallHold', 'CallUnhold']) {
        expect(errorText(await harness.client.runToEnd(method, { callid: 'never-was' }))).toMatch(/^404 /);
      }
    });

    it.each<[string, BehaviorName, BehaviorName, string]>([
      ['caller', 'ring', 'keep', 'CallerRinging'],
      ['callee', 'keep', 'ring', 'TransferStart'],
    ])(
      'stops all phones if a CallStart is ended by its cmd_id while the %s rings',
      async (_, caller, callee, event) => {
        const [alice, bob] = [await harness.openPhone(caller), await harness.openPhone(callee)];
        const run = await harness.client.start('CallStart', { caller: alice.uri, callee: bob.uri });
        await run.waitForEvent(event);
        await eventually(() => expect(alice.isRinging || bob.isRinging).toBe(true));
        expect(eventNames(await harness.client.runToEnd('CallEnd', { callid: run.cmdId }))).toEqual([
          'Ended',
        ]);
        expect(eventNames(await run.ended).slice(-2)).toEqual(['Error', 'Ended']);
        expect(errorText(await run.ended)).toMatch(/487 Request Terminated$/);
        await expectCalls(alice);
        await expectCalls(bob);
      },
    );
  });

  describe.concurrent('CallHold', () => {
    it('holds and resumes both legs, and fails if they already are in that state', async () => {
      const { alice, bob, callid } = await connectPhones();
      const hold = await harness.client.runToEnd('CallHold', { callid });
      expect(eventNames(hold).sort()).toEqual(
        ['CallHolding', ...twice('CallHoldStart'), ...twice('CallHoldSuccessful'), 'Ended'].sort(),
      );
      expect(eventNames(hold)[0]).toBe('CallHolding');
      expect(eventNames(hold).at(-1)).toBe('Ended');
      expect([alice.isHeld(callid), bob.isHeld(callid)]).toEqual([true, true]);
      expect(errorText(await harness.client.runToEnd('CallHold', { callid }))).toBe(
        '480 Both dialog legs are on hold',
      );
      expect(eventNames(await harness.client.runToEnd('CallUnhold', { callid })).at(-2)).toBe(
        'CallUnholdSuccessful',
      );
      expect([alice.isHeld(callid), bob.isHeld(callid)]).toEqual([false, false]);
      expect(errorText(await harness.client.runToEnd('CallUnhold', { callid }))).toBe(
        '480 No dialog legs on hold',
      );
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
    });

    it('reports the leg whose phone refuses', async () => {
      const { alice, bob, callid } = await connectPhones('keep', 'nohold');
      const notifications = await harness.client.runToEnd('CallHold', { callid });
      expect(notifications.find(({ event }) => event === 'CallHoldFailed')?.data).toEqual({ leg: 'callee' });
      expect([alice.isHeld(callid), bob.isHeld(callid)]).toEqual([false, false]);
      expect(eventNames(notifications).slice(-2)).toEqual(['Error', 'Ended']);
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
    });
  });

  describe.concurrent('CallBlindTransfer', () => {
    it.each<['caller' | 'callee']>([['callee'], ['caller']])('transfers the %s', async (leg) => {
      const { alice, bob, callid } = await connectPhones();
      const [transferred, other] = leg === 'caller' ? [alice, bob] : [bob, alice];
      const carol = await harness.openPhone();
      const notifications = await harness.client.runToEnd('CallBlindTransfer', {
        callid,
        leg,
        destination: carol.uri,
      });
      expect(selectEvents(notifications)).toEqual([
        'Transferring',
        'TransferStart',
        'TransferSuccessful',
        'Ended',
      ]);
      const newCallid = callidOf(notifications, 'TransferSuccessful');
      await expectCalls(transferred, newCallid);
      await expectCalls(carol, newCallid);
      await expectCalls(other);
    });

    it('leaves the call active if the destination is busy', async () => {
      const { alice, bob, callid } = await connectPhones();
      const carol = await harness.openPhone('busy');
      const params = { callid, leg: 'callee', destination: carol.uri };
      const notifications = await harness.client.runToEnd('CallBlindTransfer', params);
      expect(errorText(notifications)).toBe('transfer failed with status 486 Busy Here');
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
    });
  });

  describe.concurrent('CallAttendedTransfer', () => {
    const transfer = (callidA: string, callidB: string) =>
      harness.client.runToEnd('CallAttendedTransfer', { callidA, legA: 'callee', callidB, legB: 'callee' });

    it('connects a party of one call with a party of another', async () => {
      const [first, second] = [await connectPhones(), await connectPhones()];
      const notifications = await transfer(first.callid, second.callid);
      expect(selectEvents(notifications)).toEqual([
        'Transferring',
        'TransferStart',
        'TransferSuccessful',
        'Ended',
      ]);
      const newCallid = callidOf(notifications, 'TransferSuccessful');
      await expectCalls(first.bob, newCallid);
      await expectCalls(second.bob, newCallid);
      await expectCalls(first.alice);
      await expectCalls(second.alice);
    });

    it('leaves both calls active if the other phone refuses', async () => {
      const [first, second] = [await connectPhones(), await connectPhones('keep', 'norep')];
      const notifications = await transfer(first.callid, second.callid);
      expect(errorText(notifications)).toBe('transfer failed with status 486 Busy Here');
      for (const phone of [first.alice, first.bob]) await expectCalls(phone, first.callid);
      for (const phone of [second.alice, second.bob]) await expectCalls(phone, second.callid);
    });
  });
});

const twice = (event: string) => [event, event];
