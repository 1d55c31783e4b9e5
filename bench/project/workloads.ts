/** What the project is asked to do, round by round. @module */
import { randomUUID } from 'node:crypto';
import { uac } from '../../simulator/testing/click-to-dial.ts';
import { Random } from '../../test/faults/random.ts';
import { Mi } from '../mi.ts';
import { closedLoop, type Length } from '../speed/closed-loop.ts';
import type { Contender, Layout, Prepared } from '../speed/contender.ts';
import type { World } from '../speed/world.ts';
import { until } from '../until.ts';
import { Caller } from './caller.ts';

export const METHODS = ['Echo', 'CallEnd', 'CallHold', 'CallStart'] as const;
type Method = (typeof METHODS)[number];
/** A mix is of all of them, as often each. */
export const WORKLOADS = [...METHODS, 'mix'] as const;
export type Workload = (typeof WORKLOADS)[number];

/** So many calls are made or ended at a time: their datagrams fit into a socket's buffer of the usual size. */
const AT_A_TIME = 32;
/** Of the mix: the same in every run and every round. */
const SEED = 1;
/** A Call-ID that no call has. */
const NOBODY = 'nobody';

/** An operation: what is asked of whom. */
interface Operation {
  readonly method: Method;
  readonly params: Asked;
  readonly caller: Caller;
  readonly mi: Mi;
}

/** What a method is asked with. */
type Asked =
  | { readonly n: number }
  | { readonly caller: string; readonly callee: string }
  | { readonly callid: string };

/** The clients and what they reach. */
interface Site {
  readonly callers: readonly Caller[];
  /** One for each tenant: past the edge, straight at its simulator. */
  readonly mi: readonly Mi[];
  readonly world: World;
}

/** Opens their sockets, which `opened` closes. */
export async function projectContenders(
  workloads: readonly Workload[],
  world: World,
  layout: Layout,
  opened: AsyncDisposableStack,
): Promise<Contender[]> {
  const callers: Caller[] = [];
  for (let socket = 0; socket < layout.sockets; socket++) {
    const url = `${world.project}/call-api?site=${socket % layout.tenants}`;
    callers.push(opened.use(await Caller.connect(url)));
  }
  const mi: Mi[] = [];
  for (const address of world.mi) mi.push(opened.use(await Mi.connect(address)));
  return workloads.map((workload) => ({
    name: workload,
    prepare: (count) => prepare(workload, count, { callers, mi, world }),
  }));
}

/** However long it takes. */
const all = (count: number): Length => ({ count, limitMs: Number.POSITIVE_INFINITY });

/** Which method each operation of a workload is. */
export function methodsOf(workload: Workload, count: number): Method[] {
  const random = new Random(SEED);
  return Array.from({ length: count }, () => (workload === 'mix' ? random.pick(METHODS) : workload));
}

async function prepare(workload: Workload, count: number, site: Site): Promise<Prepared> {
  const { callers, mi } = site;
  const operations: Operation[] = [];
  /** Calls that are to be cleared away, by Call-ID, with where they stand. */
  const standing = new Map<string, Mi>();
  const methods = methodsOf(workload, count);
  await closedLoop(all(count), AT_A_TIME, async (k) => {
    const caller = callers[k % callers.length];
    const peer = mi[(k % callers.length) % mi.length];
    const method = methods[k];
    if (!caller || !peer || !method) throw new Error('no socket');
    const params = await paramsOf(method, k, peer);
    if ('callid' in params) standing.set(params.callid, peer);
    operations[k] = { method, params, caller, mi: peer };
  });
  await quiet(site);
  return {
    async run(k) {
      const operation = operations[k];
      if (!operation) throw new Error(`there is no operation ${k}`);
      const { method, params, caller, mi } = operation;
      const callid = await caller.run(method, params);
      if (callid !== undefined) standing.set(callid, mi);
      if (method === 'CallEnd' && 'callid' in params) standing.delete(params.callid);
    },
    async clear() {
      const calls = [...standing];
      await closedLoop(all(calls.length), AT_A_TIME, async (k) => {
        const [callid, peer] = calls[k] ?? [];
        await peer?.ask('dlg_end_dlg', { dialog_id: callid });
      });
      await quiet(site);
    },
  };
}

/** What a method is asked with; the call that it is about stands then. */
async function paramsOf(method: Method, k: number, mi: Mi): Promise<Asked> {
  if (method === 'Echo') return { n: k };
  if (method === 'CallStart')
    return { caller: `sip:alice.${k}@127.0.0.1:5060`, callee: `sip:bob.${k}@127.0.0.1:5060` };
  return { callid: await makeCall(mi, k) };
}

/** The first half of a CallStart is a call that can be held and ended like any other. Its Call-ID. */
async function makeCall(mi: Mi, k: number): Promise<string> {
  const callid = randomUUID();
  const reply = await mi.ask('t_uac_dlg', uac(callid, `alice.${k}`, `bob.${k}`));
  if (!reply.includes('"Status":"200 ')) throw new Error(`no call could be made: ${reply}`);
  return callid;
}

/**
 * Waits until nothing is under way. The adapter's messages arrive in their order, so a reply that has arrived has
 * all events before it behind it; the second time, events that followed the last replies are out as well.
 */
async function quiet({ callers, mi, world }: Site): Promise<void> {
  for (let time = 0; time < 2; time++) {
    const asked = callers.slice(0, mi.length).map((caller) => caller.run('CallEnd', { callid: NOBODY }));
    // Each is told that there is no such call.
    await Promise.allSettled(asked);
  }
  for (const tenant of mi.keys())
    await until('no command runs', async () => (await world.running(tenant)) === 0);
}
