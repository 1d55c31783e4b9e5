/**
 * Transfers and holds with phones that refuse, vanish, are redirected or do not know Replaces: what the API reports is what the
 * phones have done.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { type Client, callidOf, eventNames, type Notification } from '../harness/client.ts';
import { type HarnessOptions, OpenSipsHarness } from './harness.ts';
import { findOpenSips } from './opensips.ts';
import type { Phone } from './phone.ts';
import type { BehaviorName } from './phone-behavior.ts';

type Leg = 'caller' | 'callee';

const errorOf = (notifications: readonly Notification[]) =>
  notifications.find(({ event }) => event === 'Error');
const errorText = (notifications: readonly Notification[]) => errorOf(notifications)?.data;
const eventually = (assertion: () => void | Promise<void>) =>
  vi.waitFor(assertion, { timeout: 10_000, interval: 10 });
const callsOf = (phone: Phone, ...callids: string[]) =>
  eventually(() => expect(phone.answeredCalls).toEqual(callids));

const runTransfer = (client: Client, callid: string, leg: Leg, destination: string) =>
  client.runToEnd('CallBlindTransfer', { callid, leg, destination });

async function connectPhones(
  harness: OpenSipsHarness,
  caller: BehaviorName = 'keep',
  callee: BehaviorName = 'keep',
) {
  const [alice, bob] = [await harness.openPhone(caller), await harness.openPhone(callee)];
  const parties = { caller: alice.uri, callee: bob.uri };
  const callid = callidOf(await harness.client.runToEnd('CallStart', parties), 'CalleeAnswered');
  await callsOf(alice, callid);
  await callsOf(bob, callid);
  return { alice, bob, callid };
}

const listedState = async ({ client }: OpenSipsHarness, callid: string) => {
  const response: unknown = await client.request('CallGet', { callid });
  return z.object({ result: z.object({ call: z.object({ state: z.string() }) }) }).parse(response).result.call
    .state;
};

/** The script's `fr_timeout`, so that the tests wait no longer than OpenSIPS does. */
const open = (options: HarnessOptions = {}) =>
  OpenSipsHarness.open({ ...options, adapterEnv: { FR_TIMEOUT: '5', ...options.adapterEnv } });

describe.skipIf(!findOpenSips())('a real OpenSIPS (needs the command opensips on the PATH)', () => {
  let harness: OpenSipsHarness;
  /** OpenSIPS 3.4 cannot send headers within a dialog, so transfers use callops there. */
  let hasRefer: boolean;
  beforeAll(async () => {
    harness = await open();
    const version = await harness.opensips.requestMi('version', {});
    hasRefer = !/\(3\.[1-5]\./.test(JSON.stringify(version));
  }, 60_000);
  afterAll(async () => {
    harness.opensips.assertAlive();
    await harness[Symbol.asyncDispose]();
  });

  describe.concurrent('a phone that has vanished', () => {
    it.each<[string, Leg]>([
      ['CallHold', 'caller'],
      ['CallHold', 'callee'],
      ['CallUnhold', 'callee'],
    ])(
      '%s: 408 for the %s, the other leg is put back, and OpenSIPS lives',
      { timeout: 60_000 },
      async (method, leg) => {
        const { alice, bob, callid } = await connectPhones(harness);
        if (method === 'CallUnhold') await harness.client.runToEnd('CallHold', { callid });
        const [vanished, other] = leg === 'caller' ? [alice, bob] : [bob, alice];
        vanished.freeze();
        const notifications = await harness.client.runToEnd(method, { callid });
        expect(errorOf(notifications)).toMatchObject({
          data: expect.stringContaining(`the ${leg} responded 408 Request Timeout`),
          error: { code: -32010, sip: { status: 408 } },
        });
        expect(other.isHeld(callid)).toBe(method === 'CallUnhold');
        harness.opensips.assertAlive();
        await harness.client.runToEnd('CallEnd', { callid });
      },
    );

    it('a transfer: 408, and the call can be ended', { timeout: 60_000 }, async ({ skip }) => {
      if (!hasRefer) skip('callops does not report the answer to a REFER');
      const { bob, callid } = await connectPhones(harness);
      bob.freeze();
      const notifications = await runTransfer(harness.client, callid, 'callee', harness.unregisteredUri);
      expect(errorText(notifications)).toBe('transfer failed with status 408 Request Timeout');
      expect(eventNames(await harness.client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
    });
  });

  describe.concurrent('a phone that refuses', () => {
    it('a re-INVITE: its own status, and the other leg is put back', async () => {
      const { alice, bob, callid } = await connectPhones(harness, 'keep', 'nohold');
      const notifications = await harness.client.runToEnd('CallHold', { callid });
      expect(errorOf(notifications)).toMatchObject({ error: { sip: { status: 488 } } });
      expect([alice.isHeld(callid), bob.isHeld(callid)]).toEqual([false, false]);
    });

    it('a REFER: its own status at once', async ({ skip }) => {
      if (!hasRefer) skip('callops does not report the answer to a REFER');
      const { callid } = await connectPhones(harness, 'keep', 'norefer');
      const notifications = await runTransfer(harness.client, callid, 'callee', harness.unregisteredUri);
      expect(notifications).toMatchObject([
        { event: 'Error', data: 'transfer failed with status 603 Decline' },
        { event: 'Ended' },
      ]);
    });

    it('nothing, but does nothing either', { timeout: 60_000 }, async () => {
      const { callid } = await connectPhones(harness, 'keep', 'lazy');
      const notifications = await runTransfer(harness.client, callid, 'callee', harness.unregisteredUri);
      expect(errorText(notifications)).toMatch(
        hasRefer ? /accepted the transfer and did not dial/ : /did not accept it, or did not reach/,
      );
    });
  });

  describe.concurrent('one leg alone', () => {
    it.each<Leg>(['caller', 'callee'])('the %s is held and resumed', async (leg) => {
      const { alice, bob, callid } = await connectPhones(harness);
      const held = () => [alice.isHeld(callid), bob.isHeld(callid)];
      expect(errorOf(await harness.client.runToEnd('CallHold', { callid, leg }))).toBeUndefined();
      expect(held()).toEqual([leg === 'caller', leg === 'callee']);
      expect(errorOf(await harness.client.runToEnd('CallUnhold', { callid, leg }))).toBeUndefined();
      expect(held()).toEqual([false, false]);
    });
  });

  it('hold, resume, hold, the phone’s own hold, resume: each phone has what it should', async () => {
    const { alice, bob, callid } = await connectPhones(harness);
    const run = async (method: string, leg?: Leg) => {
      const notifications = await harness.client.runToEnd(method, leg ? { callid, leg } : { callid });
      expect(errorText(notifications)).toBeUndefined();
    };
    for (const method of ['CallHold', 'CallUnhold', 'CallHold']) await run(method);
    expect(await bob.hold(callid)).toBe(200);
    await run('CallUnhold');
    expect(bob.isHeld(callid)).toBe(false);
    // Bob's own hold stands: his SDP is resumed as he has sent it.
    expect(alice.isHeld(callid)).toBe(true);
    expect(await bob.resume(callid)).toBe(200);
    expect(alice.isHeld(callid)).toBe(false);
    for (const phone of [alice, bob]) {
      const versions = phone.receivedOffers.map(({ version }) => version);
      expect(versions.length).toBeGreaterThanOrEqual(3);
    }
  });

  describe.concurrent('a callee that challenges or redirects', () => {
    it.each<[BehaviorName, string]>([
      ['gw', '407'],
      ['redir', '302'],
    ])('CallStart to %s: the caller’s phone goes on after %s, and there is no Error', async (behavior) => {
      const [alice, bob, vm] = await Promise.all([
        harness.openPhone('follow'),
        harness.openPhone(behavior),
        harness.openPhone(),
      ]);
      bob.redirectTarget = vm.uri;
      const notifications = await harness.client.runToEnd('CallStart', {
        caller: alice.uri,
        callee: bob.uri,
      });
      expect(errorText(notifications)).toBeUndefined();
      const callid = callidOf(notifications, 'CalleeAnswered');
      await callsOf(alice, callid);
      await callsOf(behavior === 'gw' ? bob : vm, callid);
      expect(await listedState(harness, callid)).toBe('answered');
      expect(eventNames(await harness.client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
      await callsOf(alice);
    });

    it.each<[BehaviorName, Leg]>([
      ['gw', 'callee'],
      ['gw', 'caller'],
      ['redir', 'callee'],
      ['redir', 'caller'],
    ])('a transfer to %s of the %s', async (behavior, leg) => {
      const { alice, bob, callid } = await connectPhones(harness, 'follow', 'follow');
      const [carol, vm] = [await harness.openPhone(behavior), await harness.openPhone()];
      carol.redirectTarget = vm.uri;
      const notifications = await runTransfer(harness.client, callid, leg, carol.uri);
      expect(errorText(notifications)).toBeUndefined();
      const newCallid = callidOf(notifications, 'TransferSuccessful');
      await callsOf(leg === 'caller' ? alice : bob, newCallid);
      expect(await listedState(harness, newCallid)).toBe('answered');
    });

    it('a caller’s phone that does not go on: the status, after 3 s', { timeout: 30_000 }, async () => {
      const [alice, bob] = [await harness.openPhone(), await harness.openPhone('gw')];
      const notifications = await harness.client.runToEnd('CallStart', {
        caller: alice.uri,
        callee: bob.uri,
      });
      expect(errorText(notifications)).toBe('transfer failed with status 407 Proxy Authentication Required');
      await callsOf(alice);
    });
  });

  describe.concurrent('transfers of one call in a row', () => {
    it.for<[Leg, string]>([
      ['callee', ''],
      ['caller', ''],
      ['callee', ' after a call_transfer'],
    ])('busy, not registered, answered: the %s%s', { timeout: 60_000 }, async ([leg, after], { skip }) => {
      if (!hasRefer) skip('callops transfers a call only once');
      const { alice, bob, callid } = await connectPhones(harness);
      const [busy, carol] = [await harness.openPhone('busy'), await harness.openPhone()];
      if (after !== '') {
        await harness.opensips.requestMi('call_transfer', { callid, leg, destination: busy.uri });
        await eventually(() =>
          expect(
            harness.opensips.transferEvents.some(
              (event) => event['callid'] === callid && event['state'] === 'fail',
            ),
          ).toBe(true),
        );
      }
      const texts = [];
      for (const destination of [busy.uri, harness.unregisteredUri])
        texts.push(errorText(await runTransfer(harness.client, callid, leg, destination)));
      expect(texts).toEqual([
        'transfer failed with status 486 Busy Here',
        'transfer failed with status 404 Not Found',
      ]);
      const notifications = await runTransfer(harness.client, callid, leg, carol.uri);
      const newCallid = callidOf(notifications, 'TransferSuccessful');
      await callsOf(leg === 'caller' ? alice : bob, newCallid);
      await callsOf(carol, newCallid);
      await callsOf(leg === 'caller' ? bob : alice);
    });
  });

  it('an attended transfer by a phone without Replaces names the calls that stand', async () => {
    const first = await connectPhones(harness, 'keep', 'norep-plain');
    const second = await connectPhones(harness);
    const notifications = await harness.client.runToEnd('CallAttendedTransfer', {
      callidA: first.callid,
      legA: 'callee',
      callidB: second.callid,
      legB: 'callee',
    });
    const newCallid = first.bob.answeredCalls[0];
    expect(errorText(notifications)).toMatch(/does not support Replaces/);
    for (const text of [`${newCallid}: answered`, `${first.callid}: `, `${second.callid}: active`])
      expect(errorText(notifications)).toContain(text);
    await callsOf(second.alice, second.callid);
    expect(second.bob.answeredCalls).toContain(second.callid);
  });

  it('the set-up leg calls the caller from the callee, so that the new call comes from the caller', async () => {
    const { alice, bob } = await connectPhones(harness);
    const headers = new Map(alice.receivedInvites[0]?.headers);
    expect(headers.get('from')).toContain(bob.uri);
    expect(headers.get('to')).toContain(alice.uri);
    expect(new Map(bob.receivedInvites[0]?.headers).get('from')).toContain(alice.uri);
  });
});

describe.skipIf(!findOpenSips())('scripts of operators, with a real OpenSIPS', () => {
  it('without the optional events: a call that the script refuses was refused before it rang', async () => {
    await using harness = await open({ events: false });
    const alice = await harness.openPhone();
    const startedAt = performance.now();
    const notifications = await harness.client.runToEnd('CallStart', {
      caller: alice.uri,
      callee: harness.unregisteredUri,
    });
    expect(errorText(notifications)).toMatch(/refused the call to the destination before it rang/);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  }, 60_000);

  it('with a challenge after create_dialog(): the call stands in the list, and can be held and ended', async () => {
    await using harness = await open({ challengesLate: true });
    const [alice, bob] = [
      await harness.openPhone('follow', { password: 'secret' }),
      await harness.openPhone(),
    ];
    const { callid } = await alice.dial(bob.uri);
    await eventually(async () => expect(await listedState(harness, callid)).toBe('answered'));
    expect(errorText(await harness.client.runToEnd('CallHold', { callid }))).toBeUndefined();
    expect([alice.isHeld(callid), bob.isHeld(callid)]).toEqual([true, true]);
    expect(await listedState(harness, callid)).toBe('held');
    expect(eventNames(await harness.client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
    await callsOf(bob);
  }, 60_000);

  it('with a challenge after create_dialog(): a transfer and a CallStart go on after it', async () => {
    await using harness = await open({ challengesLate: true });
    const openPhone = () => harness.openPhone('follow', { password: 'secret' });
    const [alice, bob, carol] = [await openPhone(), await openPhone(), await openPhone()];
    const started = await harness.client.runToEnd('CallStart', { caller: alice.uri, callee: bob.uri });
    expect(errorText(started)).toBeUndefined();
    const transferred = await runTransfer(
      harness.client,
      callidOf(started, 'CalleeAnswered'),
      'callee',
      carol.uri,
    );
    expect(errorText(transferred)).toBeUndefined();
    const callid = callidOf(transferred, 'TransferSuccessful');
    await callsOf(bob, callid);
    await callsOf(carol, callid);
    await callsOf(alice);
  }, 60_000);

  it('with callops: the first NOTIFY is not refused, so that a phone keeps its call if the transfer fails', async () => {
    await using harness = await open({ adapterEnv: { ADAPTER_ENGINE: 'callops' } });
    const { alice, bob, callid } = await connectPhones(harness, 'progress', 'progress');
    const busy = await harness.openPhone('busy');
    const notifications = await runTransfer(harness.client, callid, 'callee', busy.uri);
    expect(errorText(notifications)).toBe('transfer failed with status 486 Busy Here');
    for (const phone of [alice, bob]) {
      await callsOf(phone, callid);
      await eventually(() => expect(phone.notifyStatuses.length).toBeGreaterThanOrEqual(3));
      expect(new Set(phone.notifyStatuses)).toEqual(new Set([200]));
    }
  }, 60_000);

  it.each<[string, HarnessOptions]>([
    ['topology_hiding', { hidesTopology: true }],
    ['SIP over TCP alone', { transport: 'tcp', adapterEnv: { SIP_TRANSPORT: 'tcp' } }],
    ['MI over IPv6', { mi: 'ipv6' }],
    ['another match_param', { matchParam: 'origin', adapterEnv: { MATCH_PARAM: 'origin' } }],
    ['callops as the engine', { adapterEnv: { ADAPTER_ENGINE: 'callops' } }],
  ])(
    'with %s: start, hold, resume, transfer, end',
    async (_, options) => {
      await using harness = await open(options);
      const alice = await harness.openPhone();
      const [bob, carol] = [await harness.openPhone(), await harness.openPhone()];
      const parties = { caller: alice.uri, callee: bob.uri };
      const callid = callidOf(await harness.client.runToEnd('CallStart', parties), 'CalleeAnswered');
      // With topology_hiding each phone has a Call-ID of its own.
      const heldCalls = () =>
        [alice, bob, carol].map((phone) => phone.answeredCalls.map((each) => phone.isHeld(each)));
      const expectHeldCalls = (...expected: boolean[][]) =>
        eventually(() => expect(heldCalls()).toEqual(expected));
      await expectHeldCalls([false], [false], []);
      expect(errorText(await harness.client.runToEnd('CallHold', { callid }))).toBeUndefined();
      await expectHeldCalls([true], [true], []);
      expect(errorText(await harness.client.runToEnd('CallUnhold', { callid }))).toBeUndefined();
      await expectHeldCalls([false], [false], []);
      const notifications = await runTransfer(harness.client, callid, 'callee', carol.uri);
      expect(errorText(notifications)).toBeUndefined();
      await expectHeldCalls([], [false], [false]);
      await harness.client.runToEnd('CallEnd', { callid: callidOf(notifications, 'TransferSuccessful') });
      await expectHeldCalls([], [], []);
    },
    60_000,
  );
});
