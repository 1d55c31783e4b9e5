/** One seed: a whole system, its load, its faults, and the verdict. @module */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replay } from './client.ts';
import { commit, type Planned, plan } from './plan.ts';
import { Random } from './random.ts';
import type { Rules } from './rules.ts';
import { type Ran, runScenario } from './scenario.ts';
import { judge, type Verdict } from './verdict.ts';
import { World, type WorldOptions } from './world.ts';

/** How a seed is run. */
export interface SeedOptions {
  readonly rules: Rules;
  readonly commands: number;
  readonly lanes?: number;
  readonly pauseMs?: number;
  /** Where a failing seed leaves its log. */
  readonly logs?: string;
  readonly world?: Omit<WorldOptions, 'random' | 'udp'>;
}

export interface SeedResult extends Verdict {
  readonly seed: number;
  readonly faults: ReadonlyMap<string, number>;
  /** Commands that the edge still looked after when all was quiet. */
  readonly running: number;
  readonly seconds: number;
  /** The folder of its log, where it failed. */
  readonly log?: string;
}

/** The longest deadline of a command, and some: whatever has not ended by then never will. */
const PATIENCE_MS = 190_000;
/** For legs to be ended and commands to be done once nothing goes wrong any more, and how long nothing may change. */
const QUIET_MS = 15_000;
const STILL_MS = 1_500;

export async function runSeed(seed: number, options: SeedOptions): Promise<SeedResult> {
  const { rules, commands, lanes = 16, pauseMs = 600, logs } = options;
  const began = Date.now();
  const random = new Random(seed);
  const [load, grave, datagrams] = [random.fork(), random.fork(), random.fork()];
  await using world = await World.start({ random: datagrams, udp: rules.udp, ...options.world });
  const session = `seed-${seed}`;
  const client = world.client(session);
  const planned = plan(rules.grave, commands, grave);
  const faults: Promise<void>[] = [];
  const broken: unknown[] = [];
  const onCommand = (n: number) => {
    for (const { fault } of planned.filter(({ after }) => after === n))
      faults.push(commit(fault, world).catch((error) => void broken.push(error)));
  };
  const { ledger } = world.simulator;
  const ran = await runScenario({
    client,
    ledger,
    random: load,
    commands,
    lanes,
    pauseMs,
    patienceMs: PATIENCE_MS,
    onCommand,
  });
  await Promise.all(faults);
  if (broken.length > 0) throw broken[0];
  world.calm();
  const running = await quiet(world);
  const kept = await replay(world.clientUrl, session);
  const verdict = judge(ran, client, kept, ledger);
  const result = {
    ...verdict,
    seed,
    running,
    faults: world.tally.counts,
    seconds: (Date.now() - began) / 1000,
  };
  if (logs === undefined || (verdict.violations.length === 0 && verdict.unsure.length === 0)) return result;
  const log = join(logs, `seed-${seed}`);
  await keep(log, world, { planned, ran, verdict, told: client.all });
  return { ...result, log };
}

/** Waits until no command runs and no dialog changes; gives how many commands still ran. */
async function quiet(world: World): Promise<number> {
  const { dialogs } = world.simulator.ledger;
  const deadline = Date.now() + QUIET_MS;
  let [seen, since] = ['', Date.now()];
  for (;;) {
    const running = await world.health().then(
      (health) => health.running,
      () => -1,
    );
    const now = `${running} ${dialogs.map(({ state }) => state).join('')}`;
    if (now !== seen) [seen, since] = [now, Date.now()];
    const still = Date.now() - since >= STILL_MS;
    if ((running === 0 && still) || Date.now() >= deadline) return running;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

async function keep(
  folder: string,
  world: World,
  {
    planned,
    ran,
    verdict,
    told,
  }: { planned: Planned[]; ran: Ran[]; verdict: Verdict; told: readonly object[] },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { ledger } = world.simulator;
  const files: Record<string, readonly unknown[]> = {
    'violations.jsonl': verdict.violations,
    'unsure.jsonl': verdict.unsure,
    'plan.jsonl': planned,
    'commands.jsonl': ran,
    'told.jsonl': told,
    'requests.jsonl': ledger.requests,
    'dialogs.jsonl': ledger.dialogs,
  };
  for (const [name, rows] of Object.entries(files)) {
    await writeFile(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
  await writeFile(join(folder, 'faults.log'), world.tally.lines().join('\n'));
  await writeFile(join(folder, 'adapter.log'), world.adapterLog());
}
