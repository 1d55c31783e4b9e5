/** Sends a trace's requests to a simulator, and notes what comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator } from '../index.ts';
import { Peer } from '../testing/peer.ts';
import { callids } from './normal-form.ts';
import type { Datagram, Trace } from './trace.ts';

/** From so many milliseconds on, a pause before a request is on purpose. */
const PAUSE = 50;
/** Longer pauses are cut to this: a little more than a dead dialog is listed, so that they show the same. */
const LONGEST_PAUSE = 5_200;
/** How long nothing more must come after the last recorded datagram. */
const QUIET = 30;

/** The simulator's pauses are longer than recorded, lest a busy machine be later than the next event. */
const GAPS = 5;

/** Before which request OpenSIPS was restarted. */
const RESTARTED_BEFORE: Readonly<Record<string, number>> = { 'opensips-restart': 8 };

/** Resolves with all the datagrams, once as many have come as were recorded, and then no more. */
export async function replay({ name, manners, datagrams }: Trace): Promise<Datagram[]> {
  const simulator = await startSimulator({ manners, gaps: GAPS });
  const peer = await Peer.open(simulator.mi);
  try {
    for (const [at, { dir, msg, t }] of datagrams.entries()) {
      if (dir !== 'mi>') continue;
      const before = datagrams.slice(0, at);
      await peer.until((received) => holdsAsMany(received, before));
      const pause = t - (before.at(-1)?.t ?? t);
      if (pause >= PAUSE) await sleep(Math.min(pause, LONGEST_PAUSE));
      if (Object(msg).id === RESTARTED_BEFORE[name]) simulator.restart({ keepDialogs: false });
      peer.send(translated(msg, before, peer));
    }
    await peer.until((received) => holdsAsMany(received, datagrams));
    await sleep(QUIET);
    return [...peer.received];
  } finally {
    await Promise.all([simulator.close(), peer.close()]);
  }
}

function holdsAsMany(received: readonly Datagram[], recorded: readonly Datagram[]): boolean {
  const count = (of: readonly Datagram[], dir: Datagram['dir']) => of.filter((one) => one.dir === dir).length;
  return (['mi<', 'evi<'] as const).every((dir) => count(received, dir) >= count(recorded, dir));
}

/** A recorded request, in the Call-IDs and ports of this run. */
function translated(request: unknown, before: readonly Datagram[], peer: Peer): unknown {
  if (typeof request === 'string') return request;
  const [recorded, simulated] = [callids(before), callids(peer.received)];
  let text = JSON.stringify(request).replace(/udp:127\.0\.0\.1:\d+/, peer.eventSocket);
  for (const [at, callid] of recorded.entries()) text = text.replaceAll(callid, simulated[at] ?? callid);
  return JSON.parse(text);
}
