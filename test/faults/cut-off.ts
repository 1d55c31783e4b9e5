/** The adapter is cut off from the edge under load, and comes back. @module */
import { callidOf, events, phone } from '../stack/client.ts';
import { until } from '../stack/stack.ts';
import { Random } from './random.ts';
import { CLEAR } from './rules.ts';
import { World } from './world.ts';

/** Commands that are under way when the link is cut. */
const CALLS = 20;
/** Calls between phones that nobody at the edge follows: they raise events and no command. */
const OTHER_CALLS_A_SECOND = 20;
/** For a command that has got all that was raised meanwhile, or asks OpenSIPS instead. */
const PATIENCE_MS = 60_000;

/** What a CallStart tells whose callee answers, where nothing is missing. */
export const WHOLE = [
  'CallerRinging',
  'CallerAnswered',
  'Transferring',
  'TransferStart',
  'TransferPending',
  'CalleeAnswered',
  'Ended',
];

export interface CutOff {
  readonly calls: readonly {
    readonly told: readonly string[];
    /** The new call stands at OpenSIPS. */
    readonly stands: boolean;
  }[];
  /** Events that OpenSIPS raised while the link was down, and messages that the adapter sent again after it. */
  readonly raised: number;
  readonly replayed: number;
  /** The adapter has dropped events. */
  readonly overflowed: boolean;
}

/** Cuts the link while callees ring, and lets them answer meanwhile. `buffer`: messages that the adapter keeps. */
export async function cutOff(seconds: number, buffer?: number): Promise<CutOff> {
  await using world = await World.start({
    random: new Random(1),
    udp: CLEAR,
    ...(buffer === undefined ? {} : { adapter: { ADAPTER_BUFFER: String(buffer) } }),
  });
  const client = world.client('cut-off');
  const ids = Array.from({ length: CALLS }, (_, n) => `call-${n}`);
  await Promise.all(
    ids.map(async (cmdId, n) => {
      const parties = { caller: phone(`tells.${n}`), callee: phone(`answer-1500.${n}`) };
      await client.ask('CallStart', { ...parties, cmd_id: cmdId });
      await client.heard(cmdId, ['TransferStart', 'Ended'], PATIENCE_MS);
    }),
  );
  world.link.keepOut();
  await until(async () => !(await world.linked()));
  const before = world.udp.passed.event;
  const load = Array.from({ length: seconds * OTHER_CALLS_A_SECOND }, async (_, n) => {
    await pass((n * 1_000) / OTHER_CALLS_A_SECOND);
    await world.simulator.dial({ from: `keep.x${n}`, to: `keep.y${n}` });
  });
  await Promise.all([...load, pass(seconds * 1_000)]);
  const raised = world.udp.passed.event - before;
  world.link.letIn();
  const calls = await Promise.all(
    ids.map(async (cmdId) => {
      await client.heard(cmdId, ['Ended'], PATIENCE_MS);
      const told = client.told(cmdId);
      const answered = events(told).includes('CalleeAnswered');
      const dialog = answered ? world.simulator.ledger.dialog(callidOf(told, 'CalleeAnswered')) : undefined;
      return { told: events(told), stands: dialog?.state === 4 };
    }),
  );
  const replays = [...world.adapterLog().matchAll(/"replay":(\d+)/g)].map(([, count]) => Number(count));
  const overflowed = world.adapterLog().includes('the buffer for the edge is full');
  return { calls, raised, replayed: replays.at(-1) ?? 0, overflowed };
}

function pass(ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, ms));
}
