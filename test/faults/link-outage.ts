/** Disconnects the adapter from the edge under load, and reconnects it. @module */
import { callidOf, eventNames, phoneUri } from '../harness/client.ts';
import { waitUntil } from '../harness/stack.ts';
import { FaultHarness } from './harness/harness.ts';
import { SeededRandom } from './harness/seeded-random.ts';
import { NO_UDP_FAULTS } from './injection/fault-rates.ts';

/** The number of commands that run when the link goes down. */
const RUNNING_COMMANDS = 20;
/** Calls between phones that no command controls. They only raise events. */
const OTHER_CALLS_PER_SECOND = 20;
/** How long a command may take to receive all events of the outage, or to query OpenSIPS instead. */
const COMMAND_TIMEOUT_MS = 60_000;

/** The notifications of a CallStart whose callee answers. */
export const COMPLETE_EVENTS = [
  'CallerRinging',
  'CallerAnswered',
  'Transferring',
  'TransferStart',
  'TransferPending',
  'CalleeAnswered',
  'Ended',
];

export interface LinkOutageResult {
  readonly calls: readonly {
    readonly events: readonly string[];
    /** Whether the new call is active in OpenSIPS. */
    readonly isActive: boolean;
  }[];
  /** Events that OpenSIPS raised during the outage, and messages that the adapter replayed after it. */
  readonly raised: number;
  readonly replayed: number;
  /** Whether the adapter has dropped events. */
  readonly hasOverflowed: boolean;
}

/**
 * Disconnects the link while callees ring, and lets them answer in the meantime.
 *
 * @param bufferSize the number of messages that the adapter keeps; the default is that of the adapter
 */
export async function runLinkOutage(seconds: number, bufferSize?: number): Promise<LinkOutageResult> {
  await using harness = await FaultHarness.start({
    random: new SeededRandom(1),
    faultRates: NO_UDP_FAULTS,
    ...(bufferSize === undefined ? {} : { adapter: { ADAPTER_BUFFER: String(bufferSize) } }),
  });
  const client = harness.openClient('link-outage');
  const cmdIds = Array.from({ length: RUNNING_COMMANDS }, (_, n) => `call-${n}`);
  await Promise.all(
    cmdIds.map(async (cmdId, n) => {
      const parties = { caller: phoneUri(`tells.${n}`), callee: phoneUri(`answer-1500.${n}`) };
      await client.request('CallStart', { ...parties, cmd_id: cmdId });
      await client.waitForEvent(cmdId, ['TransferStart', 'Ended'], COMMAND_TIMEOUT_MS);
    }),
  );
  for (const proxy of harness.linkProxies) proxy.refuseConnections();
  await waitUntil(async () => !(await harness.isLinked()));
  const eventsBefore = harness.udpProxy.forwardedCounts.event;
  const otherCalls = Array.from({ length: seconds * OTHER_CALLS_PER_SECOND }, async (_, n) => {
    await sleep((n * 1_000) / OTHER_CALLS_PER_SECOND);
    await harness.simulator.dial({ from: `keep.x${n}`, to: `keep.y${n}` });
  });
  await Promise.all([...otherCalls, sleep(seconds * 1_000)]);
  const raised = harness.udpProxy.forwardedCounts.event - eventsBefore;
  for (const proxy of harness.linkProxies) proxy.acceptConnections();
  const calls = await Promise.all(
    cmdIds.map(async (cmdId) => {
      await client.waitForEvent(cmdId, ['Ended'], COMMAND_TIMEOUT_MS);
      const notifications = client.notificationsOf(cmdId);
      const events = eventNames(notifications);
      const dialog = events.includes('CalleeAnswered')
        ? harness.simulator.ledger.findDialog(callidOf(notifications, 'CalleeAnswered'))
        : undefined;
      return { events, isActive: dialog?.state === 4 };
    }),
  );
  const replays = [...harness.adapterLog().matchAll(/"replay":(\d+)/g)].map(([, count]) => Number(count));
  const hasOverflowed = harness.adapterLog().includes('The buffer for the edge is full');
  return { calls, raised, replayed: replays.at(-1) ?? 0, hasOverflowed };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
