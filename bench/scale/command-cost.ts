/** Measures the cost of a command: its duration with one in flight, and its share of time and processor with many. @module */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpuTimeMs } from '../process-usage.ts';
import { median } from '../statistics.ts';
import type { ScaleClient } from './harness/client.ts';

/** Milliseconds per command, by the name of the cost. */
export type Costs = Readonly<Record<string, number>>;

/** Measures one system once. */
export type MeasureCosts = () => Promise<Costs>;

/** Repetitions with one in flight, of which the median is taken. */
const ECHOS = 100;
const CALLS = 20;
/** Concurrent commands, and how long they are repeated. */
const IN_FLIGHT = 64;
const LOAD_MS = 1_500;

/** Makes the users of each simulated call unique. */
let lastCall = 0;

/** Measures an Echo, which is only answered, and a stored command with a `cmd_id` of the client that needs no work of OpenSIPS. */
export async function echoCosts(client: ScaleClient): Promise<Costs> {
  return {
    'Echo, one in flight': await measureOneInFlight(ECHOS, () => client.run('Echo', {})),
    'CallEnd with cmd_id, one in flight': await measureOneInFlight(ECHOS, () =>
      client.run('CallEnd', { callid: 'none', cmd_id: randomUUID() }),
    ),
  };
}

/** Measures whole calls: a CallStart, and the CallEnd of its call. */
export async function callCosts(client: ScaleClient, edge: ChildProcess): Promise<Costs> {
  const startDurationsMs: number[] = [];
  const endDurationsMs: number[] = [];
  for (let n = 0; n < CALLS; n++) {
    const startedAt = performance.now();
    const callid = await startCall(client);
    const answeredAt = performance.now();
    await client.run('CallEnd', { callid });
    startDurationsMs.push(answeredAt - startedAt);
    endDurationsMs.push(performance.now() - answeredAt);
  }
  const load = await measureManyInFlight(edge, 2, async () => {
    await client.run('CallEnd', { callid: await startCall(client) });
  });
  return {
    'CallStart, one in flight': median(startDurationsMs),
    'CallEnd, one in flight': median(endDurationsMs),
    [`CallStart + CallEnd, ${IN_FLIGHT} in flight`]: load.elapsedMs,
    [`processor time of workerd, ${IN_FLIGHT} in flight`]: load.cpuMs,
  };
}

/** Measures CallEnds of unknown calls: they pass through the edge and the link, but do no work in OpenSIPS. */
export async function linkCosts(client: ScaleClient, edge: ChildProcess): Promise<Costs> {
  const endUnknownCall = () => client.run('CallEnd', { callid: randomUUID() });
  const oneInFlightMs = await measureOneInFlight(ECHOS, endUnknownCall);
  const load = await measureManyInFlight(edge, 1, endUnknownCall);
  return {
    'CallEnd, one in flight': oneInFlightMs,
    [`CallEnd, ${IN_FLIGHT} in flight`]: load.elapsedMs,
    [`processor time of workerd, ${IN_FLIGHT} in flight`]: load.cpuMs,
  };
}

/** Returns the Call-ID of a new call. Throws if the CallStart fails. */
async function startCall(client: ScaleClient): Promise<string> {
  const n = lastCall++;
  const { callid, error } = await client.run('CallStart', {
    caller: `sip:alice.${n}@127.0.0.1:5060`,
    callee: `sip:bob.${n}@127.0.0.1:5060`,
  });
  if (callid === undefined || error !== undefined) throw new Error(`a CallStart failed: ${error}`);
  return callid;
}

async function measureOneInFlight(repetitions: number, run: () => Promise<unknown>): Promise<number> {
  const durationsMs: number[] = [];
  for (let n = 0; n < repetitions; n++) {
    const start = performance.now();
    await run();
    durationsMs.push(performance.now() - start);
  }
  return median(durationsMs);
}

/**
 * Runs {@link IN_FLIGHT} commands concurrently for {@link LOAD_MS}. Returns the elapsed time and workerd's processor
 * time, each divided by the number of commands.
 *
 * @param commandsPerRun commands that one `run` executes
 */
async function measureManyInFlight(
  edge: ChildProcess,
  commandsPerRun: number,
  run: () => Promise<unknown>,
): Promise<{ readonly elapsedMs: number; readonly cpuMs: number }> {
  let commands = 0;
  const start = performance.now();
  const cpuBefore = cpuTimeMs(edge);
  const worker = async () => {
    while (performance.now() - start < LOAD_MS) {
      await run();
      commands += commandsPerRun;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT / commandsPerRun }, worker));
  return {
    elapsedMs: (performance.now() - start) / commands,
    cpuMs: (cpuTimeMs(edge) - cpuBefore) / commands,
  };
}
