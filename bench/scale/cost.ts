/** What a command costs: how long it takes one at a time, and what it takes with many in flight. @module */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { median } from '../statistics.ts';
import type { Client } from './client.ts';
import { cpu } from './processes.ts';

/** Figures by name, each a cost: less is better. All are milliseconds to a command. */
export type Costs = Readonly<Record<string, number>>;

/** Measures one place once. */
export type Measure = () => Promise<Costs>;

/** So many of each, one in flight: their median is the figure. */
const ECHOES = 100;
const CALLS = 20;
/** Commands in flight, and for how long, in milliseconds. */
const IN_FLIGHT = 64;
const LOAD_MS = 1_500;

/** The simulated phones: users by number, so that no two are the same. */
let phones = 0;

/** Commands that need no OpenSIPS, with a name of the client's choice and without. */
export async function echoCosts(client: Client): Promise<Costs> {
  return {
    'Echo, one in flight': await oneInFlight(ECHOES, () => client.run('Echo', {})),
    'Echo with cmd_id, one in flight': await oneInFlight(ECHOES, () =>
      client.run('Echo', { cmd_id: randomUUID() }),
    ),
  };
}

/** Whole calls: CallStart, and then CallEnd of what stands. */
export async function callCosts(client: Client, edge: ChildProcess): Promise<Costs> {
  const starts: number[] = [];
  const ends: number[] = [];
  for (let n = 0; n < CALLS; n++) {
    const begun = performance.now();
    const callid = await start(client);
    const stands = performance.now();
    await client.run('CallEnd', { callid });
    starts.push(stands - begun);
    ends.push(performance.now() - stands);
  }
  const load = await manyInFlight(edge, 2, async () => {
    await client.run('CallEnd', { callid: await start(client) });
  });
  return {
    'CallStart, one in flight': median(starts),
    'CallEnd, one in flight': median(ends),
    [`CallStart + CallEnd, ${IN_FLIGHT} in flight`]: load.elapsed,
    [`processor time of workerd, ${IN_FLIGHT} in flight`]: load.cpu,
  };
}

/** CallEnd of calls that nobody knows: through the edge and the link, with no OpenSIPS at work. */
export async function linkCosts(client: Client, edge: ChildProcess): Promise<Costs> {
  const ask = () => client.run('CallEnd', { callid: randomUUID() });
  const single = await oneInFlight(ECHOES, ask);
  const load = await manyInFlight(edge, 1, ask);
  return {
    'CallEnd, one in flight': single,
    [`CallEnd, ${IN_FLIGHT} in flight`]: load.elapsed,
    [`processor time of workerd, ${IN_FLIGHT} in flight`]: load.cpu,
  };
}

/** Brings a call about; throws where it does not stand. */
async function start(client: Client): Promise<string> {
  const n = phones++;
  const { callid, error } = await client.run('CallStart', {
    caller: `sip:alice.${n}@127.0.0.1:5060`,
    callee: `sip:bob.${n}@127.0.0.1:5060`,
  });
  if (callid === undefined || error !== undefined) throw new Error(`a CallStart failed: ${error}`);
  return callid;
}

async function oneInFlight(times: number, run: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < times; n++) {
    const begun = performance.now();
    await run();
    took.push(performance.now() - begun);
  }
  return median(took);
}

/** Keeps so many going and gives the milliseconds to a command: on the clock, and of workerd's processor time. */
async function manyInFlight(
  edge: ChildProcess,
  commands: number,
  run: () => Promise<unknown>,
): Promise<{ readonly elapsed: number; readonly cpu: number }> {
  let done = 0;
  const begun = performance.now();
  const used = cpu(edge);
  const lane = async () => {
    while (performance.now() - begun < LOAD_MS) {
      await run();
      done += commands;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT / commands }, lane));
  return { elapsed: (performance.now() - begun) / done, cpu: (cpu(edge) - used) / done };
}
