/**
 * Is the list of calls corrected on a site that is busy with calls of others, by the clock? The calls of a client that is killed
 * end, and others begin, while the events of OpenSIPS are lost.
 * @module
 */
import { CallWatcher } from '../harness/call-watcher.ts';
import { callidOf, phoneUri } from '../harness/client.ts';
import { waitUntil } from '../harness/stack.ts';
import { FaultHarness } from './harness/harness.ts';
import { SeededRandom } from './harness/seeded-random.ts';
import { NO_UDP_FAULTS, type UdpFaultRates } from './injection/fault-rates.ts';

/** Calls between phones that no command controls, how long each lasts, and how long OpenSIPS lists one that has ended. */
export const OTHER_CALLS_PER_SECOND = 100;
const OTHER_CALL_MS = 2_000;
const LISTED_AFTER_END_MS = 1_000;

/** An additional delay of every MI reply. */
export const MI_DELAY_MS = 100;

/** The calls of the client, and those that begin unseen. */
const TRACKED_CALLS = 10;

/** The traffic runs for this long before events are lost. */
const WARM_UP_MS = 15_000;

/** How long all events are lost, those of other calls too. */
const LOSS_MS = 1_500;

/** What takes longer than this is not corrected at all. */
const GIVE_UP_MS = 120_000;

const ALL_EVENTS_LOST: UdpFaultRates = { ...NO_UDP_FAULTS, event: { ...NO_UDP_FAULTS.event, drop: 1 } };

/** The promise of docs/protocol.md, in milliseconds. */
export const MAX_CORRECTION_MS = 30_000;

export interface BusySiteResult {
  /** From the end of the client's calls until a watcher saw all of them end, in milliseconds. */
  readonly goneAfterMs: number;
  /** From the beginning of the calls that no event told of until a watcher saw all of them, in milliseconds. */
  readonly foundAfterMs: number;
  /** Calls of others in the whole run. */
  readonly otherCalls: number;
}

export async function runBusySite(): Promise<BusySiteResult> {
  await using harness = await FaultHarness.start({
    random: new SeededRandom(1),
    faultRates: NO_UDP_FAULTS,
    simulator: { replyDelayMs: MI_DELAY_MS, timers: { listedAfterEndMs: LISTED_AFTER_END_MS } },
  });
  const { simulator, udpProxy } = harness;
  const watcher = await CallWatcher.connect(harness.clientUrl);
  const client = harness.openClient('killed');
  const callids = await Promise.all(
    Array.from({ length: TRACKED_CALLS }, async (_, n) => {
      const parties = { caller: phoneUri(`keep.a${n}`), callee: phoneUri(`keep.b${n}`) };
      await client.request('CallStart', { ...parties, cmd_id: `call-${n}` });
      await client.waitForEvent(`call-${n}`, ['Ended'], GIVE_UP_MS);
      return callidOf(client.notificationsOf(`call-${n}`), 'CalleeAnswered');
    }),
  );
  const traffic = new Traffic(
    (call) => simulator.dial(call),
    (callid) => simulator.hangUp(callid),
  );
  try {
    await sleep(WARM_UP_MS);
    client.close();
    udpProxy.faultRates = ALL_EVENTS_LOST;
    const lostAt = Date.now();
    for (const callid of callids) simulator.hangUp(callid);
    const newCallids = await Promise.all(
      callids.map((_, n) => simulator.dial({ from: `keep.c${n}`, to: `keep.d${n}` })),
    );
    await sleep(Math.max(0, lostAt + LOSS_MS - Date.now()));
    udpProxy.faultRates = NO_UDP_FAULTS;
    const stateOf = (callid: string) => watcher.calls.get(callid)?.state;
    const [goneAfterMs, foundAfterMs] = await Promise.all([
      timeUntil(lostAt, () => callids.every((callid) => stateOf(callid) === 'ended')),
      timeUntil(lostAt, () => newCallids.every((callid) => stateOf(callid) === 'answered')),
    ]);
    return { goneAfterMs, foundAfterMs, otherCalls: traffic.callCount };
  } finally {
    traffic.stop();
    watcher.close();
  }
}

/** Calls of others, which begin at an even rate and end by themselves. */
class Traffic {
  readonly #timers = new Set<NodeJS.Timeout>();
  callCount = 0;

  constructor(
    dial: (call: { readonly from: string; readonly to: string }) => Promise<string>,
    hangUp: (callid: string) => void,
  ) {
    const startedAt = Date.now();
    const begin = () => {
      // A timer that is late makes up for it.
      const expected = ((Date.now() - startedAt) * OTHER_CALLS_PER_SECOND) / 1_000;
      for (; this.callCount < expected; this.callCount++) {
        const call = { from: `keep.x${this.callCount}`, to: `keep.y${this.callCount}` };
        void dial(call).then((callid) => this.#timers.add(setTimeout(() => hangUp(callid), OTHER_CALL_MS)));
      }
    };
    this.#timers.add(setInterval(begin, 1_000 / OTHER_CALLS_PER_SECOND));
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** Resolves with the milliseconds from a time until a condition holds; infinity if it does not within {@link GIVE_UP_MS}. */
async function timeUntil(from: number, condition: () => boolean): Promise<number> {
  const isGivenUp = () => Date.now() > from + GIVE_UP_MS;
  await waitUntil(() => isGivenUp() || condition());
  return isGivenUp() ? Number.POSITIVE_INFINITY : Date.now() - from;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
