/** Phones whose users press their own transfer key, while the API is at work on the same OpenSIPS. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { callidOf, eventNames } from '../harness/client.ts';
import { eventually, expectCalls } from './assertions.ts';
import { OpenSipsHarness } from './harness.ts';
import { findOpenSips } from './opensips.ts';
import type { Phone } from './phone.ts';
import type { BehaviorName } from './phone-behavior.ts';

describe.skipIf(!findOpenSips())('a real OpenSIPS (needs the command opensips on the PATH)', () => {
  let harness: OpenSipsHarness;
  beforeAll(async () => {
    harness = await OpenSipsHarness.open();
  }, 60_000);
  afterEach(() => harness.opensips.assertAlive());
  afterAll(() => harness[Symbol.asyncDispose]());

  /** Connects two phones with a CallStart, and returns the Call-ID. */
  async function startCall(caller: Phone, callee: Phone): Promise<string> {
    const notifications = await harness.client.runToEnd('CallStart', {
      caller: caller.uri,
      callee: callee.uri,
    });
    expect(eventNames(notifications).slice(-2)).toEqual(['CalleeAnswered', 'Ended']);
    return callidOf(notifications, 'CalleeAnswered');
  }

  /** Asserts that a transferred phone and the target of its transfer are connected, and have no other call. */
  async function expectConnected(transferred: Phone, target: Phone): Promise<void> {
    const [callid = ''] = target.answeredCalls;
    await expectCalls(target, callid);
    await expectCalls(transferred, callid);
  }

  describe.concurrent('the transfer key of a phone', () => {
    it.each<[string, BehaviorName, string[]]>([
      ['the result', 'keep', ['200 OK']],
      ['each step', 'progress', ['100 Trying', '100 Giving it a try', '180 Ringing', '200 OK']],
    ])('works if the transferred phone notifies of %s', async (_, behavior, notified) => {
      const [alice, bob] = [await harness.openPhone(), await harness.openPhone(behavior)];
      const carol = await harness.openPhone();
      const { callid } = await alice.dial(bob.uri);
      expect(await alice.transfer(callid, carol.uri)).toEqual({ status: 202, notified });
      await expectCalls(alice);
      await expectConnected(bob, carol);
      await eventually(() => expect(bob.notifyStatuses).toEqual(notified.map(() => 200)));
    });

    it('works for the callee, and in a call that the API has made', async () => {
      const [alice, bob, carol] = [
        await harness.openPhone(),
        await harness.openPhone(),
        await harness.openPhone(),
      ];
      const callid = await startCall(alice, bob);
      expect(await bob.transfer(callid, carol.uri)).toEqual({ status: 202, notified: ['200 OK'] });
      await expectCalls(bob);
      await expectConnected(alice, carol);
    });

    it('works again after the first target was busy', async () => {
      const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
      const [busy, carol] = [await harness.openPhone('busy'), await harness.openPhone()];
      const { callid } = await alice.dial(bob.uri);
      expect(await alice.transfer(callid, busy.uri)).toEqual({ status: 202, notified: ['486 Busy Here'] });
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
      expect(await alice.transfer(callid, carol.uri)).toEqual({ status: 202, notified: ['200 OK'] });
      await expectCalls(alice);
      await expectConnected(bob, carol);
    });

    it('works while 30 CallStarts run beside it', async () => {
      const starts = Array.from({ length: 30 }, async () => {
        const [caller, callee] = [await harness.openPhone('progress'), await harness.openPhone()];
        const callid = await startCall(caller, callee);
        await expectCalls(caller, callid);
        await expectCalls(callee, callid);
        return callee.receivedNotifies.length;
      });
      const transfers = Array.from({ length: 30 }, async () => {
        const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
        const carol = await harness.openPhone();
        const { callid } = await alice.dial(bob.uri);
        const { notified } = await alice.transfer(callid, carol.uri);
        await expectCalls(alice);
        await expectConnected(bob, carol);
        return notified.at(-1);
      });
      // No phone gets a NOTIFY of a transfer that only the API has asked for.
      expect(await Promise.all(starts)).toEqual(starts.map(() => 0));
      expect(await Promise.all(transfers)).toEqual(transfers.map(() => '200 OK'));
    });
  });
});
