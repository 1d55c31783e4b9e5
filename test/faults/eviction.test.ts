/** On miniflare: evicts the object from memory after each step of a call, with its sockets kept or closed. */
import { expect, it } from 'vitest';
import { callidOf, eventNames, phoneUri } from '../harness/client.ts';
import { FaultHarness } from './harness/harness.ts';
import { startMiniflare } from './harness/miniflare.ts';
import { fetchReplay } from './harness/resuming-client.ts';
import { SeededRandom } from './harness/seeded-random.ts';
import { NO_UDP_FAULTS } from './injection/fault-rates.ts';

const STEPS = [
  'CallerRinging',
  'CallerAnswered',
  'Transferring',
  'TransferStart',
  'TransferPending',
  'CalleeAnswered',
  'Ended',
];
const STEP_TIMEOUT_MS = 40_000;

it.concurrent.each([
  ['kept', 'hibernate'],
  ['closed', 'close'],
] as const)(
  'completes a call if the object is evicted after each step (sockets %s)',
  { timeout: 120_000 },
  async (_, webSockets) => {
    await using harness = await FaultHarness.start({
      random: new SeededRandom(1),
      faultRates: NO_UDP_FAULTS,
      startEdge: startMiniflare,
    });
    const session = `evicted-${webSockets}`;
    const client = harness.openClient(session);
    const cmdId = 'the-call';
    // Slow enough that each step is over before the next one.
    const parties = { caller: phoneUri('answer-800.1'), callee: phoneUri('answer-1500.2') };
    await client.request('CallStart', { ...parties, cmd_id: cmdId });
    for (const step of STEPS) {
      expect(await client.waitForEvent(cmdId, [step], STEP_TIMEOUT_MS)).toBe(true);
      await harness.edge.evict?.(webSockets);
    }
    expect(eventNames(client.notificationsOf(cmdId))).toEqual(STEPS);
    expect(client.violations).toEqual([]);
    // A reconnect of the client would supersede the socket that reads the replay: they have the same session.
    client.close();
    expect(await fetchReplay(harness.clientUrl, session)).toEqual(client.notifications);
    const callid = callidOf(client.notificationsOf(cmdId), 'CalleeAnswered');
    expect(harness.simulator.ledger.findDialog(callid)?.state).toBe(4);
    const adapterConnections = [...harness.adapterLog().matchAll(/Connected to the edge/g)].length;
    if (webSockets === 'hibernate') {
      expect(client.counts.connections).toBe(1);
      expect(adapterConnections).toBe(1);
    } else {
      expect(client.counts.connections).toBeGreaterThan(1);
      expect(adapterConnections).toBeGreaterThan(1);
    }
  },
);
