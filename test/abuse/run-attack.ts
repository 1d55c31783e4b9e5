/** Runs an attack beside the victim, and measures both. @module */

import { delay } from './attack.ts';
import type { AttackerMessage, AttackerTask } from './attacker.ts';
import { ATTACKS } from './attacks/attacks.ts';
import { Forked } from './forked.ts';
import { AbuseHarness } from './harness.ts';
import { latencyOf, type RunResult } from './judge.ts';
import { StorageCheck } from './storage-check.ts';
import type { VictimReport, VictimTask } from './victim.ts';

/** The pause between two runs, in milliseconds: longer than a flood blocks a subject or an address. */
const PAUSE_MS = 11_000;

/** Runs an attack several times on one stack. */
export async function runAttack(
  name: string,
  runs: number,
  seconds: number,
  calls: number,
): Promise<RunResult[]> {
  const entry = ATTACKS[name];
  if (!entry)
    throw new Error(`--attack: there is no attack "${name}". Use one of ${Object.keys(ATTACKS).join(', ')}.`);
  const { descriptors } = entry;
  await using harness = await AbuseHarness.start({
    calls,
    ...(descriptors === undefined ? {} : { descriptors }),
  });
  const results: RunResult[] = [];
  for (let n = 0; n < runs && harness.isEdgeAlive; n++) {
    if (n > 0) await delay(PAUSE_MS);
    results.push(await runOnce(harness, name, seconds));
  }
  return results;
}

async function runOnce(harness: AbuseHarness, name: string, seconds: number): Promise<RunResult> {
  const context = await harness.attackContext();
  const task = { port: harness.stack.port, keys: await harness.bystanderKeys() };
  const { storedBytes } = ATTACKS[name] ?? {};
  const storage =
    storedBytes === undefined ? undefined : await StorageCheck.begin(harness.stack, storedBytes);
  using victim = new Forked<VictimTask, VictimReport>('victim.ts', task);
  await victim.next();
  const measure = () => {
    victim.send('measure');
    return victim.next();
  };
  await delay(1_000);
  // What happened until here is no measurement.
  await measure();
  await delay(seconds * 1_000);
  const before = await measure();
  const idle = { heap: await harness.heapMb(), rss: harness.rssMb };
  using attacker = new Forked<AttackerTask, AttackerMessage>('attacker.ts', { attack: name, context });
  await attacker.next();
  await measure();
  await delay(seconds * 1_000);
  const during = await measure();
  // While the attacker still holds what it has got.
  const after = { heap: await harness.heapMb(), rss: harness.rssMb };
  attacker.send('stop');
  const attack = await attacker.next();
  if (attack === 'started') throw new Error('the attacker has started twice');
  const heapMb =
    idle.heap === undefined || after.heap === undefined ? null : { idle: idle.heap, after: after.heap };
  return {
    attack,
    before: latencyOf(before.latencies),
    during: latencyOf(during.latencies),
    heapMb,
    rssMb: { idle: idle.rss, after: after.rss },
    disconnected: during.disconnected,
    connectMs: during.connectMs,
    errors: during.errors,
    isEdgeAlive: harness.isEdgeAlive,
    ...(storage ? { storage: await storage.end() } : {}),
  };
}
