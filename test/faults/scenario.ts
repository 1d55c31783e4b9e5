/**
 * The load of a run: commands on calls between phones with various behaviors, several at a time, drawn from the seed.
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { Ledger, Leg } from '../../simulator/index.ts';
import { type Notification, phoneUri } from '../harness/client.ts';
import { type DialogSnapshot, takeSnapshot } from './dialog-snapshot.ts';
import type { FaultClient } from './harness/fault-client.ts';
import type { SeededRandom } from './harness/seeded-random.ts';
import {
  CALLEES,
  CALLERS,
  type CallKind,
  FOLLOWED_CALLS,
  REFUSED_BY_SCRIPT,
  WEIGHTED_KINDS,
} from './load.ts';

/** A command that the edge has accepted, with its notifications and the state of its call. */
export interface CommandRecord {
  readonly n: number;
  readonly method: string;
  readonly cmdId: string;
  readonly params: Readonly<Record<string, string | number>>;
  readonly startedAt: number;
  /** When the client received `Ended`; 0 before that. */
  endedAt: number;
  notifications: readonly Notification[];
  /** The users of a CallStart. Each of them occurs in no other command. */
  readonly parties?: { readonly caller: string; readonly callee: string };
  /** The dialog of its call before and after the command; undefined if OpenSIPS never had it. */
  dialogBefore?: DialogSnapshot | undefined;
  dialogAfter?: DialogSnapshot | undefined;
  /** Whether it ends by a timeout even without faults, because a phone or OpenSIPS sends nothing. */
  readonly expectsTimeout: boolean;
  /** Whether another command has ended it. */
  isCanceled: boolean;
  /** Whether an earlier command left the state of the call unknown. */
  readonly isCallIndeterminate: boolean;
  /** Whether the client has given it up, and has said so. */
  isLost?: boolean;
  /** Whether the edge has refused it, because its calls are at different OpenSIPS. */
  isRefused?: boolean;
}

export interface ScenarioOptions {
  readonly client: FaultClient;
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  /** Whether the script reports what it refuses, so that no deadline has to end the command. */
  readonly scriptEvents: boolean;
  readonly commands: number;
  readonly concurrency: number;
  /** The maximum pause between two commands of one worker. */
  readonly maxPauseMs: number;
  /** A command that has not ended by then counts as never ended. */
  readonly commandTimeoutMs: number;
  /** Returns whether one OpenSIPS has both calls. */
  readonly areTogether: (callids: readonly string[]) => boolean;
  /** Called before a command is requested. */
  readonly onCommand?: (n: number) => void;
}

/** How long people wait at most until they cancel a call of which they see nothing. */
const MAX_CANCEL_DELAY_MS = 3_000;

/** `invalidParams` (JSON-RPC 2.0 §5.1). */
const INVALID_PARAMS = -32602;

/** Runs the load. Resolves when every command has ended or timed out. */
export async function runScenario(options: ScenarioOptions): Promise<CommandRecord[]> {
  const scenario = new Scenario(options);
  const { concurrency, random } = options;
  await Promise.all(Array.from({ length: concurrency }, () => scenario.runWorker(random.fork())));
  return scenario.commands;
}

/** A call as its worker knows it. */
interface Call {
  readonly callid: string;
  /** Whether a command left its state unknown. */
  isIndeterminate: boolean;
}

class Scenario {
  readonly commands: CommandRecord[] = [];
  readonly #options: ScenarioOptions;
  #userCount = 0;

  constructor(options: ScenarioOptions) {
    this.#options = options;
  }

  async runWorker(random: SeededRandom): Promise<void> {
    // Workers start at different times, so that a fault does not affect the start of many calls.
    await this.#pause(random);
    while (!this.#isComplete) await this.#runCall(random.pickWeighted(WEIGHTED_KINDS), random);
  }

  get #isComplete(): boolean {
    return this.commands.length >= this.#options.commands;
  }

  async #runCall(kind: CallKind, random: SeededRandom): Promise<void> {
    switch (kind) {
      case 'answered':
        await this.#connectCall(random);
        return;
      case 'controlled':
        return this.#controlCall(random);
      case 'refused':
        return this.#startRefusedCall(random);
      case 'unresponsive':
        return this.#startUnresponsiveCall(random);
      case 'canceled':
        return this.#cancelCall(random);
      case 'attended':
        return this.#attendedTransfer(random);
      case 'no call':
        await this.#runCommand('CallEnd', { callid: `never-was-${this.#userCount++}` });
        await this.#pause(random);
    }
  }

  /** Connects a call and runs up to four commands on it. */
  async #controlCall(random: SeededRandom): Promise<void> {
    let call = await this.#connectCall(random);
    for (let remaining = random.integer(1, 4); call && remaining > 0 && !this.#isComplete; remaining--) {
      const method = random.pickWeighted([
        [3, 'CallHold'],
        [2, 'CallUnhold'],
        [2, 'CallBlindTransfer'],
        [1, 'two transfers'],
        [3, 'CallEnd'],
        [1, 'two CallEnds'],
      ]);
      switch (method) {
        case 'CallBlindTransfer':
          call = await this.#blindTransfer(call, random);
          break;
        case 'two transfers':
          await Promise.all([this.#blindTransfer(call, random), this.#blindTransfer(call, random)]);
          return;
        case 'two CallEnds':
          await this.#runCallCommand(call, 'CallEnd', { callid: call.callid });
          await this.#runCallCommand(call, 'CallEnd', { callid: call.callid });
          return;
        default:
          await this.#runCallCommand(call, method, { callid: call.callid });
          if (method === 'CallEnd') return;
      }
      await this.#pause(random);
    }
  }

  /** Transfers a call. Resolves with the new call, or with the old one if the transfer fails. */
  async #blindTransfer(call: Call, random: SeededRandom): Promise<Call> {
    const destination = random.pickWeighted([
      [6, 'keep'],
      [3, 'answer-400'],
      [2, 'phone-busy'],
      [1, 'nobody'],
      [1, 'challenge'],
      [1, 'gw'],
    ]);
    const leg = random.pick<Leg>(['caller', 'callee']);
    const params = { callid: call.callid, leg, destination: phoneUri(this.#createUser(destination)) };
    const expectsTimeout = this.#isRefusalUnreported(destination);
    const command = await this.#runCallCommand(call, 'CallBlindTransfer', params, expectsTimeout);
    const callid = findCallid(command, 'TransferSuccessful');
    return callid === undefined ? call : { callid, isIndeterminate: false };
  }

  async #attendedTransfer(random: SeededRandom): Promise<void> {
    const call = await this.#connectCall(random, 'keep', random.pick(['keep', 'keep', 'norep-plain']));
    const otherCall = await this.#connectCall(random, 'keep', random.pick(['keep', 'keep', 'norep']));
    if (!call || !otherCall || this.#isComplete) return;
    const params = { callidA: call.callid, legA: 'callee', callidB: otherCall.callid, legB: 'callee' };
    await this.#runCallCommand(call, 'CallAttendedTransfer', params);
    await this.#pause(random);
  }

  async #startRefusedCall(random: SeededRandom): Promise<void> {
    const callerRefuses = random.chance(0.4);
    const caller = callerRefuses
      ? random.pick(['busy', 'nobody', 'phone-busy', 'silent'])
      : random.pick(CALLERS);
    const callee = random.pick([
      'phone-busy',
      'phone-decline',
      'silent',
      'busy',
      'nobody',
      'ring',
      'gw',
      'redir',
    ]);
    const expectsTimeout = !callerRefuses && this.#isRefusalUnreported(callee);
    await this.#startCall(caller, callerRefuses ? 'bob' : callee, { expectsTimeout });
    await this.#pause(random);
  }

  async #startUnresponsiveCall(random: SeededRandom): Promise<void> {
    const caller = random.pick(['norefer', 'vanish', 'lazy', 'ring']);
    const expectsTimeout = caller === 'lazy' || caller === 'ring';
    await this.#startCall(caller, 'bob', { expectsTimeout, ...(caller === 'ring' ? { timeout: 5 } : {}) });
    await this.#pause(random);
  }

  /** Starts a call and ends it by its `cmd_id` after one of its events, or after a while, whatever has happened. */
  async #cancelCall(random: SeededRandom): Promise<void> {
    const [caller, callee, event] = random.pickWeighted<readonly [string, string, string | undefined]>([
      [2, ['ring', 'bob', 'CallerRinging']],
      [2, ['keep', 'ring', 'TransferStart']],
      [2, ['alice', 'ring', 'TransferStart']],
      [1, ['keep', 'bob', 'CallerAnswered']],
      [1, ['answer-50', 'answer-50', 'CallerRinging']],
      [2, ['ring', 'bob', undefined]],
      [1, ['keep', 'ring', undefined]],
    ]);
    const cmdId = randomUUID();
    const ended = this.#startCall(caller, callee, { cmdId });
    const { client, commandTimeoutMs } = this.#options;
    if (event === undefined)
      await client.waitForEvent(cmdId, ['Ended'], random.integer(0, MAX_CANCEL_DELAY_MS));
    else await client.waitForEvent(cmdId, [event, 'Ended'], commandTimeoutMs);
    const command = this.commands.find((candidate) => candidate.cmdId === cmdId);
    if (command && !this.#isComplete) {
      command.isCanceled = true;
      await this.#runCommand('CallEnd', { callid: cmdId });
    }
    await ended;
    await this.#pause(random);
  }

  /** Starts a call between phones that answer. Resolves with undefined if it fails. */
  async #connectCall(
    random: SeededRandom,
    ...users: [caller: string, callee: string] | []
  ): Promise<Call | undefined> {
    const followed = random.chance(0.15) ? random.pick(FOLLOWED_CALLS) : [];
    const [caller = random.pick(CALLERS), callee = random.pick(CALLEES)] =
      users.length > 0 ? users : followed;
    const command = await this.#startCall(caller, callee);
    await this.#pause(random);
    const callid = findCallid(command, 'CalleeAnswered');
    return callid === undefined ? undefined : { callid, isIndeterminate: false };
  }

  #startCall(
    caller: string,
    callee: string,
    { cmdId = randomUUID() as string, expectsTimeout = false, timeout = 60 } = {},
  ): Promise<CommandRecord> {
    const parties = { caller: this.#createUser(caller), callee: this.#createUser(callee) };
    const params = { caller: phoneUri(parties.caller), callee: phoneUri(parties.callee), timeout };
    return this.#runCommand('CallStart', params, { cmdId, expectsTimeout, parties });
  }

  /** Runs a command on a call that is active, as far as its worker knows. */
  async #runCallCommand(
    call: Call,
    method: string,
    params: CommandRecord['params'],
    expectsTimeout = false,
  ): Promise<CommandRecord> {
    const command = await this.#runCommand(method, params, {
      expectsTimeout,
      isCallIndeterminate: call.isIndeterminate,
      callid: call.callid,
    });
    const error = command.notifications.find(({ event }) => event === 'Error');
    const code = error?.error?.code;
    const isUnknown = code === -32012 || code === -32013 || /no response tells/.test(String(error?.data));
    if (isUnknown || command.endedAt === 0) call.isIndeterminate = true;
    return command;
  }

  async #runCommand(
    method: string,
    params: CommandRecord['params'],
    details: Partial<Pick<CommandRecord, 'cmdId' | 'expectsTimeout' | 'parties' | 'isCallIndeterminate'>> & {
      callid?: string;
    } = {},
  ): Promise<CommandRecord> {
    const { client, commandTimeoutMs, onCommand } = this.#options;
    const {
      cmdId = randomUUID(),
      expectsTimeout = false,
      isCallIndeterminate = false,
      parties,
      callid = params['callid'],
    } = details;
    const callidOfCall = typeof callid === 'string' ? callid : undefined;
    const command: CommandRecord = {
      n: this.commands.length + 1,
      method,
      cmdId,
      params,
      startedAt: Date.now(),
      endedAt: 0,
      notifications: [],
      dialogBefore: this.#snapshotOf(callidOfCall),
      expectsTimeout,
      isCallIndeterminate,
      isCanceled: false,
      ...(parties === undefined ? {} : { parties }),
    };
    this.commands.push(command);
    onCommand?.(command.n);
    const response = await client.request(method, { ...params, cmd_id: cmdId });
    if (client.isLost(cmdId)) return this.#lose(command);
    if (response.error?.code === INVALID_PARAMS && !this.#areTogether(params)) {
      command.isRefused = true;
      return command;
    }
    if (response.result?.cmd_id !== cmdId) {
      client.violations.push(`${method} ${cmdId} got the response ${JSON.stringify(response)}`);
      return command;
    }
    if (await client.waitForEvent(cmdId, ['Ended'], commandTimeoutMs)) command.endedAt = Date.now();
    else if (client.isLost(cmdId)) this.#lose(command);
    command.notifications = client.notificationsOf(cmdId);
    command.dialogAfter = this.#snapshotOf(callidOfCall);
    return command;
  }

  /** Whether the calls of an attended transfer are at the same OpenSIPS. */
  #areTogether({ callidA, callidB }: CommandRecord['params']): boolean {
    return callidB === undefined || this.#options.areTogether([String(callidA), String(callidB)]);
  }

  #lose(command: CommandRecord): CommandRecord {
    command.isLost = true;
    return command;
  }

  #snapshotOf(callid: string | undefined): DialogSnapshot | undefined {
    return callid === undefined ? undefined : takeSnapshot(this.#options.ledger.findDialog(callid));
  }

  /**
   * Whether OpenSIPS does not report the refusal by a destination: it raises no event of a transfer for a refusal by its
   * script. A deadline ends the command then, unless the end of an unknown dialog can only be this refusal.
   */
  #isRefusalUnreported(destination: string): boolean {
    return !this.#options.scriptEvents && REFUSED_BY_SCRIPT.includes(destination);
  }

  /** Returns a user that occurs in no other command. */
  #createUser(name: string): string {
    return `${name}.${this.#userCount++}`;
  }

  async #pause(random: SeededRandom): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, this.#options.maxPauseMs)));
  }
}

/** Returns the Call-ID in the notification with that event name, if there is one. */
export function findCallid(command: CommandRecord, name: string): string | undefined {
  const data = command.notifications.find(({ event }) => event === name)?.data;
  return typeof data === 'object' && data !== null && 'callid' in data ? String(data.callid) : undefined;
}
