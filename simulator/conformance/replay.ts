/** Sends the requests of a trace to a simulator and records its replies and events. @module */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Simulator, startSimulator } from '../index.ts';
import { TestClient } from '../testing/test-client.ts';
import { collectCallIds, collectDialogIds } from './normalize.ts';
import type { Datagram, Trace } from './trace.ts';

/** A pause before a request that is at least this long was intentional. */
const MIN_PAUSE_MS = 50;
/** Longer pauses are cut to this: slightly more than an ended dialog is listed, so that the replies are the same. */
const MAX_PAUSE_MS = 5_200;
/** How long to wait, after the last recorded datagram, for a datagram that was not recorded. */
const QUIET_MS = 30;

/** The delays are longer than recorded, so that on a busy machine a request is not later than the next event. */
const DELAY_FACTOR = 5;

/** What happened to OpenSIPS or the phones during a recording, by the request id before or after which it did. */
type Interventions = {
  readonly restartedBefore?: number;
  readonly frozenBefore?: number;
  readonly thawedAfter?: number;
};

const INTERVENTIONS: Readonly<Record<string, Interventions>> = {
  'opensips-restart': { restartedBefore: 8 },
  'hold-vanished': { frozenBefore: 7 },
  'hold-vanished-4.0': { frozenBefore: 7, thawedAfter: 8 },
  'sequential-vanished': { frozenBefore: 8 },
  'sequential-vanished-4.0': { frozenBefore: 8 },
};

/** The phones that were frozen. */
const FROZEN_USERS = ['alice', 'bob'];

/** Resolves with all datagrams when as many have arrived as were recorded, and no more follow. */
export async function replay({ name, version, behaviors, datagrams }: Trace): Promise<Datagram[]> {
  const options = { version, phoneBehaviors: behaviors, delayFactor: DELAY_FACTOR };
  const simulator = await startSimulator(options);
  const client = await TestClient.open(simulator.mi);
  try {
    for (const [n, { dir, msg, t }] of datagrams.entries()) {
      if (dir !== 'mi>') continue;
      const before = datagrams.slice(0, n);
      await client.waitFor((received) => hasAsMany(received, before));
      const pause = t - (before.at(-1)?.t ?? t);
      if (pause >= MIN_PAUSE_MS) await sleep(Math.min(pause, MAX_PAUSE_MS));
      const { id } = Object(msg);
      interveneBefore(simulator, INTERVENTIONS[name] ?? {}, id);
      client.send(translateRequest(msg, before, client));
      if (id === undefined || id !== INTERVENTIONS[name]?.thawedAfter) continue;
      await client.waitFor((received) => received.some(({ msg }) => Object(msg).id === id));
      for (const user of FROZEN_USERS) simulator.thaw(user);
    }
    await client.waitFor((received) => hasAsMany(received, datagrams));
    await sleep(QUIET_MS);
    return [...client.received];
  } finally {
    await Promise.all([simulator.close(), client.close()]);
  }
}

function interveneBefore(
  simulator: Simulator,
  { restartedBefore, frozenBefore }: Interventions,
  id: unknown,
): void {
  if (id === undefined) return;
  if (id === restartedBefore) simulator.restart({ keepDialogs: false });
  if (id === frozenBefore) for (const user of FROZEN_USERS) simulator.freeze(user);
}

function hasAsMany(received: readonly Datagram[], recorded: readonly Datagram[]): boolean {
  const count = (datagrams: readonly Datagram[], dir: Datagram['dir']) =>
    datagrams.filter((datagram) => datagram.dir === dir).length;
  return (['mi<', 'evi<'] as const).every((dir) => count(received, dir) >= count(recorded, dir));
}

/** Returns a recorded request with the Call-IDs, dialog ids and ports of this run. */
function translateRequest(request: unknown, before: readonly Datagram[], client: TestClient): unknown {
  if (typeof request === 'string') return request;
  let text = JSON.stringify(request).replace(/udp:127\.0\.0\.1:\d+/, client.eventSocket);
  for (const collect of [collectCallIds, collectDialogIds]) {
    const simulated = collect(client.received);
    for (const [n, identifier] of collect(before).entries())
      text = text.replaceAll(identifier, simulated[n] ?? identifier);
  }
  return JSON.parse(text);
}
