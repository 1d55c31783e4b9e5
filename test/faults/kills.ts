/** Kills the processes of `npm start` (kill -9), alone and together, while calls are started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { phoneUri } from '../harness/client.ts';
import { findFreePort, type Health, waitUntil } from '../harness/stack.ts';
import { findProcesses, isAnyRunning, type StartProcesses } from '../start/processes.ts';
import { fetchReplay, ResumingClient } from './harness/resuming-client.ts';
import { type CheckResult, checkInvariants } from './oracle/invariants.ts';
import { type CommandRecord, findCallid } from './scenario.ts';

/** What is killed, in turn. With `npm` and with the starter, everything ends and is started again, as a service manager does. */
const VICTIMS: readonly { readonly name: string; readonly of: (processes: StartProcesses) => number[] }[] = [
  { name: 'workerd', of: ({ workerd }) => [workerd] },
  { name: 'adapter', of: ({ adapter }) => [adapter] },
  { name: 'starter', of: ({ starter }) => [starter] },
  { name: 'workerd and adapter', of: ({ workerd, adapter }) => [workerd, adapter] },
  { name: 'watchdogs', of: ({ watchdogs }) => watchdogs },
  { name: 'npm', of: ({ npm }) => [npm] },
  { name: 'starter and watchdogs', of: ({ starter, watchdogs }) => [starter, ...watchdogs] },
  { name: 'everything', of: ({ all }) => all },
];

/** Between the moment when everything is up again and the next kill. */
const CALM_MS = 2_000;
/** How long a call lasts before its phone hangs up. */
const CALL_MS = 1_000;
/** How long a process may take to end after its parent. */
const ORPHAN_AFTER_MS = 2_000;
/** Longer than the longest deadline of a command. */
const COMMAND_TIMEOUT_MS = 190_000;
const POLL_MS = 20;

export interface KillsResult {
  /** What was killed, and how long it took until a new command of the client had run to its end. */
  readonly kills: readonly { readonly victims: string; readonly backAfterMs: number }[];
  /** Processes that outlived their parent. */
  readonly orphans: number;
  readonly checks: CheckResult;
}

/**
 * @param count how many times something is killed
 * @param callsPerSecond how many calls are started meanwhile
 */
export async function runKills(
  count: number,
  callsPerSecond: number,
  onKill: (line: string) => void,
): Promise<KillsResult> {
  const simulator = await startSimulator({ scriptEvents: true });
  const data = await mkdtemp(join(tmpdir(), 'call-api-faults-'));
  const service = await Service.start(simulator, data);
  const client = new ResumingClient(`ws://127.0.0.1:${service.port}/call-api`, 'kills');
  const load = new SteadyCalls(client, simulator, callsPerSecond);
  try {
    const kills: KillsResult['kills'][number][] = [];
    let orphans = 0;
    for (let n = 0; n < count; n++) {
      await sleep(CALM_MS);
      const { name, of } = VICTIMS[n % VICTIMS.length] ?? { name: '', of: () => [] };
      const processes = service.processes();
      const killedAt = Date.now();
      for (const pid of of(processes)) process.kill(pid, 'SIGKILL');
      await waitUntil(() => !isAnyRunning(of(processes)));
      orphans += await service.restartIfEnded(processes);
      await waitUntil(() => service.isLinked());
      await runCommand(client, `back-${n}`);
      kills.push({ victims: name, backAfterMs: Date.now() - killedAt });
      onKill(`${n + 1}. ${name}: back after ${Date.now() - killedAt} ms`);
    }
    const commands = await load.stop();
    // It would resume the session while that is replayed.
    client.close();
    const retained = await fetchReplay(`ws://127.0.0.1:${service.port}/call-api`, 'kills');
    return { kills, orphans, checks: checkInvariants(commands, client, retained, simulator.ledger) };
  } finally {
    client.close();
    await service.stop();
    await simulator.close();
    await rm(data, { recursive: true, force: true });
  }
}

/** Runs a command that is stored, and needs no more than the reply that its call does not exist. */
async function runCommand(client: ResumingClient, cmdId: string): Promise<void> {
  await client.request('CallEnd', { callid: cmdId, cmd_id: cmdId });
  await client.waitForEvent(cmdId, ['Ended'], COMMAND_TIMEOUT_MS);
}

/** An `npm start` that is started again when it ends. */
class Service {
  readonly port: number;
  readonly #spawn: () => ChildProcess;
  #npm: ChildProcess;

  private constructor(port: number, spawnNpm: () => ChildProcess) {
    this.port = port;
    this.#spawn = spawnNpm;
    this.#npm = spawnNpm();
    // It must not outlive this process, however that ends.
    process.on('exit', () => this.#npm.kill('SIGTERM'));
  }

  static async start({ mi }: Simulator, data: string): Promise<Service> {
    const port = await findFreePort();
    const opensips = ['--opensips', `${mi.host}:${mi.port}`, '--sip-next-hop', 'sip:127.0.0.1:5060'];
    const args = ['start', '--', '--port', String(port), '--data', data, ...opensips];
    const cwd = resolve(import.meta.dirname, '../..');
    const service = new Service(port, () =>
      spawn('npm', args, {
        cwd,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, LOG_LEVEL: 'error' },
      }),
    );
    await waitUntil(() => service.isLinked());
    return service;
  }

  processes(): StartProcesses {
    return findProcesses(this.#npm.pid ?? 0);
  }

  async isLinked(): Promise<boolean> {
    const signal = AbortSignal.timeout(1_000);
    const response = await fetch(`http://127.0.0.1:${this.port}/healthz`, { signal });
    return ((await response.json()) as Health).link.connected;
  }

  /** Starts `npm start` again if one of its first two processes has ended. Resolves with the number of processes that remained. */
  async restartIfEnded({ npm, starter, all }: StartProcesses): Promise<number> {
    if (isAnyRunning([npm]) && isAnyRunning([starter])) return 0;
    const deadline = Date.now() + ORPHAN_AFTER_MS;
    while (isAnyRunning(all) && Date.now() < deadline) await sleep(POLL_MS);
    const orphans = all.filter((pid) => isAnyRunning([pid]));
    for (const pid of orphans) process.kill(pid, 'SIGKILL');
    this.#npm = this.#spawn();
    return orphans.length;
  }

  async stop(): Promise<void> {
    const exited = once(this.#npm, 'exit');
    this.#npm.kill('SIGTERM');
    await exited;
  }
}

/** Starts calls at a steady rate, and lets their phones hang up. */
class SteadyCalls {
  readonly #client: ResumingClient;
  readonly #simulator: Simulator;
  readonly #timer: NodeJS.Timeout;
  readonly #commands: Promise<CommandRecord>[] = [];

  constructor(client: ResumingClient, simulator: Simulator, callsPerSecond: number) {
    this.#client = client;
    this.#simulator = simulator;
    const startedAt = Date.now();
    this.#timer = setInterval(() => {
      const due = ((Date.now() - startedAt) / 1_000) * callsPerSecond;
      while (this.#commands.length < due) this.#commands.push(this.#startCall(this.#commands.length));
    }, POLL_MS);
  }

  /** Stops the load. Resolves with all commands when they have ended. */
  stop(): Promise<CommandRecord[]> {
    clearInterval(this.#timer);
    return Promise.all(this.#commands);
  }

  async #startCall(n: number): Promise<CommandRecord> {
    const cmdId = `kill-${n}`;
    const parties = { caller: `keep.${n}`, callee: `keep.to${n}` };
    const params = { caller: phoneUri(parties.caller), callee: phoneUri(parties.callee) };
    const command: CommandRecord = {
      n,
      method: 'CallStart',
      cmdId,
      params,
      parties,
      startedAt: Date.now(),
      endedAt: 0,
      notifications: [],
      expectsTimeout: false,
      isCanceled: false,
      isCallIndeterminate: false,
    };
    await this.#client.request('CallStart', { ...params, cmd_id: cmdId });
    if (await this.#client.waitForEvent(cmdId, ['Ended'], COMMAND_TIMEOUT_MS)) command.endedAt = Date.now();
    command.notifications = this.#client.notificationsOf(cmdId);
    const callid = findCallid(command, 'CalleeAnswered');
    if (callid !== undefined) {
      await sleep(CALL_MS);
      await this.#simulator.hangUp(callid, 'callee');
    }
    return command;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
