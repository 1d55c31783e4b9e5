/** Runs one seed: starts a whole system, applies the load, injects the faults, and checks the invariants. @module */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger } from '../../simulator/index.ts';
import type { Notification } from '../harness/client.ts';
import { ConsolePage } from './harness/console-page.ts';
import { FaultHarness, type FaultHarnessOptions } from './harness/harness.ts';
import { type ClientKind, openFaultClient } from './harness/open-client.ts';
import { fetchReplay } from './harness/resuming-client.ts';
import { SeededRandom } from './harness/seeded-random.ts';
import { ShippedClient } from './harness/shipped-client.ts';
import { injectFault, type PlannedFault, planFaults } from './injection/fault-plan.ts';
import type { FaultRates } from './injection/fault-rates.ts';
import { type CheckResult, checkInvariants, type Violation } from './oracle/invariants.ts';
import { findListDifferences } from './oracle/lists.ts';
import { checkPromises } from './oracle/promises.ts';
import { findAffectedCommands } from './oracle/spared-node.ts';
import { type CommandRecord, runScenario } from './scenario.ts';

export interface SeedOptions {
  readonly faultRates: FaultRates;
  readonly commands: number;
  /** Who sends the commands; the shipped client by default. */
  readonly client?: ClientKind;
  /** Whether the console is open in a browser meanwhile. */
  readonly console?: boolean;
  readonly concurrency?: number;
  readonly maxPauseMs?: number;
  /** Where a seed with violations or indeterminate commands leaves its log. */
  readonly logFolder?: string;
  readonly harness?: Omit<FaultHarnessOptions, 'random' | 'faultRates'>;
}

export interface SeedResult extends CheckResult {
  readonly seed: number;
  readonly faultCounts: ReadonlyMap<string, number>;
  /** Commands that were still running in the edge after the system had settled. */
  readonly runningCommands: number;
  readonly seconds: number;
  /** The folder of its log, if it has one. */
  readonly logPath?: string;
}

/** Longer than the longest deadline of a command, so a command that has not ended by then never will. */
const COMMAND_TIMEOUT_MS = 190_000;
/**
 * How long the system may take to settle after the faults, and how long it must not change to be considered settled.
 */
const SETTLE_TIMEOUT_MS = 15_000;
const SETTLED_AFTER_MS = 1_500;
const SETTLE_POLL_INTERVAL_MS = 100;
/** A watch of all calls begins before the first command and after each of so many, and ends with the run. */
const COMMANDS_PER_WATCH = 20;

export async function runSeed(seed: number, options: SeedOptions): Promise<SeedResult> {
  const { faultRates, commands: commandCount, concurrency = 16, maxPauseMs = 600, logFolder } = options;
  const { client: clientKind = 'shipped' } = options;
  const startedAt = Date.now();
  const random = new SeededRandom(seed);
  const [loadRandom, planRandom, datagramRandom] = [random.fork(), random.fork(), random.fork()];
  // Some scripts report what they refuse and who hangs up, and others do not.
  const scriptEvents = seed % 2 === 0;
  await using harness = await FaultHarness.start({
    random: datagramRandom,
    faultRates: faultRates.udp,
    ...options.harness,
    simulator: { scriptEvents, ...options.harness?.simulator },
  });
  const session = `seed-${seed}`;
  const client = await openFaultClient(clientKind, harness, session, seed);
  const shipped = client instanceof ShippedClient ? client : undefined;
  await using consolePage = options.console
    ? await ConsolePage.open(new URL('/', harness.clientUrl.replace(/^ws/, 'http')).href)
    : undefined;
  shipped?.watch();
  const plan = planFaults(faultRates.system, commandCount, planRandom, options.harness);
  const injections: Promise<void>[] = [];
  const injectionErrors: unknown[] = [];
  const onCommand = (n: number) => {
    if (n % COMMANDS_PER_WATCH === 0) shipped?.watch();
    for (const { fault } of plan.filter(({ afterCommand }) => afterCommand === n))
      injections.push(injectFault(fault, harness).catch((error) => void injectionErrors.push(error)));
  };
  const { ledger } = harness;
  const commands = await runScenario({
    client,
    ledger,
    random: loadRandom,
    scriptEvents,
    commands: commandCount,
    concurrency,
    maxPauseMs,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    areTogether: (callids) =>
      harness.nodes.some(({ simulator }) => callids.every((callid) => simulator.ledger.findDialog(callid))),
    onCommand,
  });
  await Promise.all(injections);
  if (injectionErrors.length > 0) throw injectionErrors[0];
  harness.stopFaults();
  const runningCommands = await waitUntilSettled(harness);
  const violations: Violation[] = [
    ...(shipped ? await checkShippedClient(shipped, commands, ledger, consolePage) : []),
    ...checkSparedNode(harness, commands, options.harness?.spared),
  ];
  // It would resume the session while that is replayed.
  client.close();
  const retained = await fetchReplays(harness.clientUrl, shipped?.sessions ?? [session]);
  const invariants = checkInvariants(commands, client, retained, ledger);
  const checks = { ...invariants, violations: [...invariants.violations, ...violations] };
  const result = {
    ...checks,
    seed,
    runningCommands,
    faultCounts: harness.faultLog.counts,
    seconds: (Date.now() - startedAt) / 1000,
  };
  const needsLog = checks.violations.length > 0 || checks.indeterminate.length > 0;
  if (logFolder === undefined || !needsLog) return result;
  const logPath = join(logFolder, `seed-${seed}`);
  await writeLog(logPath, harness, {
    plan,
    commands,
    checks,
    notifications: client.notifications,
    runs: shipped?.runs ?? [],
  });
  return { ...result, logPath };
}

/** Checks what only the shipped client promises, before it is closed. */
async function checkShippedClient(
  client: ShippedClient,
  commands: readonly CommandRecord[],
  ledger: Ledger,
  consolePage: ConsolePage | undefined,
): Promise<Violation[]> {
  const partyOf = (cmdId: string) => commands.find((command) => command.cmdId === cmdId)?.parties?.caller;
  const lists = await findListDifferences(client, ledger, consolePage);
  return [
    ...lists.map((details) => ({ invariant: 'lists of calls that differ from CallList', details }) as const),
    ...checkPromises(client.runs, ledger, partyOf).map(
      (details) => ({ invariant: 'promises of the client that were not kept', details }) as const,
    ),
  ];
}

/** Checks what one OpenSIPS without faults promises. */
function checkSparedNode(
  harness: FaultHarness,
  commands: readonly CommandRecord[],
  spared: number | undefined,
): Violation[] {
  if (spared === undefined) return [];
  const { ledger } = harness.nodeOf(spared).simulator;
  return findAffectedCommands(commands, ledger).map((details) => ({
    invariant: 'commands that faults of another OpenSIPS have affected',
    details,
  }));
}

/** Returns the notifications of all sessions, each once: a new session repeats those of its commands under their numbers. */
async function fetchReplays(url: string, sessions: Iterable<string>): Promise<Notification[]> {
  const bySeq = new Map<number, Notification>();
  for (const session of sessions)
    for (const notification of await fetchReplay(url, session)) bySeq.set(notification.seq, notification);
  return [...bySeq.values()];
}

/** Waits until no command runs and no dialog changes. Resolves with the number of commands that still run. */
async function waitUntilSettled(harness: FaultHarness): Promise<number> {
  const { dialogs } = harness.ledger;
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  let [lastState, changedAt] = ['', Date.now()];
  for (;;) {
    const runningCommands = await harness.fetchHealth().then(
      (health) => health.running,
      () => -1,
    );
    const state = `${runningCommands} ${dialogs.map((dialog) => dialog.state).join('')}`;
    if (state !== lastState) [lastState, changedAt] = [state, Date.now()];
    const isUnchanged = Date.now() - changedAt >= SETTLED_AFTER_MS;
    if ((runningCommands === 0 && isUnchanged) || Date.now() >= deadline) return runningCommands;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_INTERVAL_MS));
  }
}

interface SeedLog {
  readonly plan: readonly PlannedFault[];
  readonly commands: readonly CommandRecord[];
  readonly checks: CheckResult;
  readonly notifications: readonly object[];
  readonly runs: readonly object[];
}

async function writeLog(
  folder: string,
  harness: FaultHarness,
  { plan, commands, checks, notifications, runs }: SeedLog,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { ledger } = harness;
  const files: Record<string, readonly unknown[]> = {
    'violations.jsonl': checks.violations,
    'indeterminate.jsonl': checks.indeterminate,
    'plan.jsonl': plan,
    'commands.jsonl': commands,
    'notifications.jsonl': notifications,
    'runs.jsonl': runs,
    'requests.jsonl': ledger.requests,
    'dialogs.jsonl': ledger.dialogs,
  };
  for (const [name, rows] of Object.entries(files)) {
    await writeFile(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
  await writeFile(join(folder, 'faults.log'), harness.faultLog.lines().join('\n'));
  await writeFile(join(folder, 'adapter.log'), harness.adapterLog());
}
