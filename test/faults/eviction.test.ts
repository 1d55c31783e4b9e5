/** On miniflare: the object leaves memory at every step of a call, its sockets kept or closed. */
import { expect, it } from 'vitest';
import { callidOf, events, phone } from '../stack/client.ts';
import { replay } from './client.ts';
import { startMiniflare } from './miniflare.ts';
import { Random } from './random.ts';
import { CLEAR } from './rules.ts';
import { World } from './world.ts';

const STEPS = ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'];

it.concurrent.each([
  ['sleeps', 'hibernate'],
  ['is gone, and its sockets with it,', 'close'],
] as const)('the object %s after each step', { timeout: 120_000 }, async (_, webSockets) => {
  await using world = await World.start({ random: new Random(1), udp: CLEAR, edge: startMiniflare });
  const session = `evicted-${webSockets}`;
  const client = world.client(session);
  const cmdId = 'the-call';
  // Slow enough for a step to be over before the next.
  const parties = { caller: phone('answer-800.1'), callee: phone('answer-1500.2') };
  await client.ask('CallStart', { ...parties, cmd_id: cmdId });
  for (const step of STEPS) {
    expect(await client.heard(cmdId, [step], 40_000)).toBe(true);
    await world.edge.evict?.(webSockets);
  }
  expect(events(client.told(cmdId))).toEqual(STEPS);
  expect(client.complaints).toEqual([]);
  expect(await replay(world.clientUrl, session)).toEqual(client.all);
  const callid = callidOf(client.told(cmdId), 'CalleeAnswered');
  expect(world.simulator.ledger.dialog(callid)?.state).toBe(4);
  const adapters = [...world.adapterLog().matchAll(/connected to the edge/g)].length;
  if (webSockets === 'hibernate') {
    expect(client.counts.connections).toBe(1);
    expect(adapters).toBe(1);
  } else {
    expect(client.counts.connections).toBeGreaterThan(1);
    expect(adapters).toBeGreaterThan(1);
  }
});
