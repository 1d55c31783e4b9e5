/** Sends the requests of a trace to a simulator and records its replies and events. @module */
import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator } from '../index.ts';
import { TestClient } from '../testing/test-client.ts';
import { collectCallIds } from './normalize.ts';
import type { Datagram, Trace } from './trace.ts';

/** A pause before a request that is at least this long was intentional. */
const MIN_PAUSE_MS = 50;
/** Longer pauses are cut to this: slightly more than an ended dialog is listed, so that the replies are the same. */
const MAX_PAUSE_MS = 5_200;
/** How long to wait, after the last recorded datagram, for a datagram that was not recorded. */
const QUIET_MS = 30;

/** The delays are longer than recorded, so that on a busy machine a request is not later than the next event. */
const DELAY_FACTOR = 5;

/** The request id before which OpenSIPS was restarted. */
const RESTARTED_BEFORE: Readonly<Record<string, number>> = { 'opensips-restart': 8 };

/** Resolves with all datagrams when as many have arrived as were recorded, and no more follow. */
export async function replay({ name, behaviors, datagrams }: Trace): Promise<Datagram[]> {
  const simulator = await startSimulator({ phoneBehaviors: behaviors, delayFactor: DELAY_FACTOR });
  const client = await TestClient.open(simulator.mi);
  try {
    for (const [n, { dir, msg, t }] of datagrams.entries()) {
      if (dir !== 'mi>') continue;
      const before = datagrams.slice(0, n);
      await client.waitFor((received) => hasAsMany(received, before));
      const pause = t - (before.at(-1)?.t ?? t);
      if (pause >= MIN_PAUSE_MS) await sleep(Math.min(pause, MAX_PAUSE_MS));
      if (Object(msg).id === RESTARTED_BEFORE[name]) simulator.restart({ keepDialogs: false });
      client.send(translateRequest(msg, before, client));
    }
    await client.waitFor((received) => hasAsMany(received, datagrams));
    await sleep(QUIET_MS);
    return [...client.received];
  } finally {
    await Promise.all([simulator.close(), client.close()]);
  }
}

function hasAsMany(received: readonly Datagram[], recorded: readonly Datagram[]): boolean {
  const count = (datagrams: readonly Datagram[], dir: Datagram['dir']) =>
    datagrams.filter((datagram) => datagram.dir === dir).length;
  return (['mi<', 'evi<'] as const).every((dir) => count(received, dir) >= count(recorded, dir));
}

/** Returns a recorded request with the Call-IDs and ports of this run. */
function translateRequest(request: unknown, before: readonly Datagram[], client: TestClient): unknown {
  if (typeof request === 'string') return request;
  const [recorded, simulated] = [collectCallIds(before), collectCallIds(client.received)];
  let text = JSON.stringify(request).replace(/udp:127\.0\.0\.1:\d+/, client.eventSocket);
  for (const [n, callid] of recorded.entries()) text = text.replaceAll(callid, simulated[n] ?? callid);
  return JSON.parse(text);
}
