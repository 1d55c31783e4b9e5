/** The load of a run: lives of calls between phones of all manners, several at a time, chosen by the seed. @module */
import { randomUUID } from 'node:crypto';
import type { Dialog, Ledger, Leg } from '../../simulator/index.ts';
import { phone, type Told } from '../stack/client.ts';
import type { ResumingClient } from './client.ts';
import type { Random } from './random.ts';

/** A dialog as it stood at one moment; undefined where OpenSIPS never had it. */
export type Seen = Readonly<Pick<Dialog, 'state' | 'endedBy' | 'transferLeg'>> & {
  readonly held: { readonly caller: boolean; readonly callee: boolean };
};

/** A command that the edge has taken, with what the client was told and what was true. */
export interface Ran {
  readonly n: number;
  readonly method: string;
  readonly cmdId: string;
  readonly params: Readonly<Record<string, string | number>>;
  readonly began: number;
  /** When the client heard `Ended`; 0 while it has not. */
  ended: number;
  told: readonly Told[];
  /** The users of a CallStart: each has a name that occurs nowhere else. */
  readonly parties?: { readonly caller: string; readonly callee: string };
  /** The call that it is about, as OpenSIPS had it before and after. */
  before?: Seen | undefined;
  after?: Seen | undefined;
  /** Its outcome is a timeout even where nothing is lost: a phone that says nothing. */
  readonly timesOut: boolean;
  /** Another command has asked for its end. */
  cancelled: boolean;
  /** An earlier command left it unknown how the call stands. */
  readonly unsure: boolean;
}

export interface ScenarioOptions {
  readonly client: ResumingClient;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly commands: number;
  readonly lanes: number;
  /** Between two commands of a lane at most, in milliseconds. */
  readonly pauseMs: number;
  /** Commands that have not ended by then count as never ended. */
  readonly patienceMs: number;
  /** Called when a command is about to be asked. */
  readonly onCommand?: (n: number) => void;
  /** Which lives there are; all by default. */
  readonly lives?: readonly Life[];
}

/** What happens to a call. */
export type Life = 'stands' | 'talks' | 'refused' | 'silent' | 'cancelled' | 'attended' | 'nothing';

const WEIGHTS: Readonly<Record<Life, number>> = {
  stands: 2,
  talks: 8,
  refused: 4,
  silent: 1,
  cancelled: 4,
  attended: 2,
  nothing: 2,
};

/** Phones that answer, each in its way. `early` ones leave OpenSIPS unable to match the two calls. */
const CALLERS = ['alice', 'keep', 'tells', 'early', 'early-bare', 'answer-300', 'ring-900'] as const;
const CALLEES = ['bob', 'keep', 'answer-200', 'answer-1200', 'ring-500', 'nohold'] as const;

/** Runs it all. Resolves when every command has ended, or patience has. */
export async function runScenario(options: ScenarioOptions): Promise<Ran[]> {
  const scenario = new Scenario(options);
  const { lanes, random } = options;
  await Promise.all(Array.from({ length: lanes }, () => scenario.lane(random.fork())));
  return scenario.ran;
}

/** A call as its lane knows it. */
interface Call {
  readonly callid: string;
  /** It has been transferred once, so OpenSIPS refuses more. */
  readonly transferred: boolean;
  unsure: boolean;
}

class Scenario {
  readonly ran: Ran[] = [];
  readonly #options: ScenarioOptions;
  #users = 0;

  constructor(options: ScenarioOptions) {
    this.#options = options;
  }

  async lane(random: Random): Promise<void> {
    const { lives = Object.keys(WEIGHTS) as Life[] } = this.#options;
    const [first = 'talks', ...rest] = lives;
    // Not all at once: a fault would then fall on the beginnings of many.
    await this.#pause(random);
    while (!this.#full) {
      const weighed = [first, ...rest].map((life) => [WEIGHTS[life], life] as const);
      const [one = [1, 'talks'] as const, ...others] = weighed;
      await this.#live(random.weighed([one, ...others]), random);
    }
  }

  get #full(): boolean {
    return this.ran.length >= this.#options.commands;
  }

  async #live(life: Life, random: Random): Promise<void> {
    switch (life) {
      case 'stands':
        await this.#call(random);
        return;
      case 'talks':
        return this.#talk(random);
      case 'refused':
        return this.#refused(random);
      case 'silent':
        return this.#silent(random);
      case 'cancelled':
        return this.#cancelled(random);
      case 'attended':
        return this.#attended(random);
      case 'nothing':
        if (random.chance(0.5)) await this.#run('Echo', { word: 'echo' });
        else await this.#run('CallEnd', { callid: `never-was-${this.#users++}` });
        await this.#pause(random);
    }
  }

  async #talk(random: Random): Promise<void> {
    let call = await this.#call(random);
    for (let left = random.whole(1, 4); call && left > 0 && !this.#full; left--) {
      const what = random.weighed([
        [3, 'CallHold'],
        [2, 'CallUnhold'],
        [2, 'CallBlindTransfer'],
        [3, 'CallEnd'],
      ]);
      if (what !== 'CallBlindTransfer') {
        await this.#about(call, what, { callid: call.callid });
        if (what === 'CallEnd') return;
      } else {
        call = await this.#transfer(call, random);
      }
      await this.#pause(random);
    }
  }

  async #transfer(call: Call, random: Random): Promise<Call | undefined> {
    const user = random.weighed([
      [6, 'keep'],
      [3, 'answer-400'],
      [2, 'phone-busy'],
      [1, 'nobody'],
    ]);
    const leg = random.pick<Leg>(['caller', 'callee']);
    const params = { callid: call.callid, leg, destination: phone(this.#user(user)) };
    const sent = this.#options.ledger.dialog(call.callid)?.[leg].user;
    const timesOut = isUntold(sent, user);
    const ran = await this.#about(call, 'CallBlindTransfer', params, timesOut);
    const callid = callidIn(ran, 'TransferSuccessful');
    if (callid !== undefined) return { callid, transferred: false, unsure: false };
    return { ...call, transferred: true };
  }

  async #attended(random: Random): Promise<void> {
    const one = await this.#call(random, 'keep', 'keep');
    const other = await this.#call(random, 'keep', random.pick(['keep', 'keep', 'norep']));
    if (!one || !other || this.#full) return;
    const params = { callidA: one.callid, legA: 'callee', callidB: other.callid, legB: 'callee' };
    await this.#about(one, 'CallAttendedTransfer', params);
    await this.#pause(random);
  }

  async #refused(random: Random): Promise<void> {
    const callerFails = random.chance(0.4);
    const caller = callerFails
      ? random.pick(['busy', 'nobody', 'phone-busy', 'silent'])
      : random.pick(CALLERS);
    const callee = random.pick(['phone-busy', 'phone-decline', 'silent', 'busy', 'nobody', 'ring']);
    const timesOut = !callerFails && isUntold(caller, callee);
    await this.#start(caller, callerFails ? 'bob' : callee, { timesOut });
    await this.#pause(random);
  }

  async #silent(random: Random): Promise<void> {
    if (random.chance(0.5)) await this.#start('norefer', 'bob', { timesOut: true });
    else await this.#start('ring', 'bob', { timesOut: true, timeout: 5 });
    await this.#pause(random);
  }

  /** Ended by its `cmd_id`, at a moment of its course. */
  async #cancelled(random: Random): Promise<void> {
    const [caller, callee, moment] = random.weighed([
      [2, ['ring', 'bob', 'CallerRinging']],
      [2, ['keep', 'ring', 'TransferStart']],
      [2, ['alice', 'ring', 'TransferStart']],
      [1, ['keep', 'bob', 'CallerAnswered']],
      [1, ['answer-50', 'answer-50', 'CallerRinging']],
    ]);
    const cmdId = randomUUID();
    const start = this.#start(caller, callee, { cmdId });
    await this.#options.client.heard(cmdId, [moment, 'Ended'], this.#options.patienceMs);
    const started = this.ran.find((ran) => ran.cmdId === cmdId);
    if (started && !this.#full) {
      started.cancelled = true;
      await this.#run('CallEnd', { callid: cmdId });
    }
    await start;
    await this.#pause(random);
  }

  async #call(random: Random, ...names: [caller: string, callee: string] | []): Promise<Call | undefined> {
    const [caller = random.pick(CALLERS), callee = random.pick(CALLEES)] = names;
    const ran = await this.#start(caller, callee);
    await this.#pause(random);
    const callid = callidIn(ran, 'CalleeAnswered');
    return callid === undefined ? undefined : { callid, transferred: false, unsure: false };
  }

  #start(
    caller: string,
    callee: string,
    { cmdId = randomUUID() as string, timesOut = false, timeout = 60 } = {},
  ): Promise<Ran> {
    const parties = { caller: this.#user(caller), callee: this.#user(callee) };
    const params = { caller: phone(parties.caller), callee: phone(parties.callee), timeout };
    return this.#run('CallStart', params, { cmdId, timesOut, parties });
  }

  /** A command about a call that stands, as far as its lane knows. */
  async #about(call: Call, method: string, params: Ran['params'], timesOut = false): Promise<Ran> {
    const ran = await this.#run(method, params, { timesOut, unsure: call.unsure, callid: call.callid });
    const code = ran.told.find(({ event }) => event === 'Error')?.error?.code;
    if (code === -32012 || code === -32013 || ran.ended === 0) call.unsure = true;
    return ran;
  }

  async #run(
    method: string,
    params: Ran['params'],
    more: Partial<Pick<Ran, 'cmdId' | 'timesOut' | 'parties' | 'unsure'>> & { callid?: string } = {},
  ): Promise<Ran> {
    const { client, patienceMs, onCommand } = this.#options;
    const {
      callid = params['callid'],
      cmdId = randomUUID(),
      timesOut = false,
      unsure = false,
      parties,
    } = more;
    const about = typeof callid === 'string' ? callid : undefined;
    const ran: Ran = {
      n: this.ran.length + 1,
      method,
      cmdId,
      params,
      began: Date.now(),
      ended: 0,
      told: [],
      before: this.#see(about),
      timesOut,
      unsure,
      cancelled: false,
      ...(parties === undefined ? {} : { parties }),
    };
    this.ran.push(ran);
    onCommand?.(ran.n);
    const answer = await client.ask(method, { ...params, cmd_id: cmdId });
    if (answer.result?.cmd_id !== cmdId) {
      client.complaints.push(`${method} ${cmdId} was answered ${JSON.stringify(answer)}`);
      return ran;
    }
    if (await client.heard(cmdId, ['Ended'], patienceMs)) ran.ended = Date.now();
    ran.told = client.told(cmdId);
    ran.after = this.#see(about);
    return ran;
  }

  #see(callid: string | undefined): Seen | undefined {
    const dialog = callid === undefined ? undefined : this.#options.ledger.dialog(callid);
    if (dialog === undefined) return undefined;
    const { state, endedBy, transferLeg, held } = dialog;
    return { state, transferLeg, held: { ...held }, ...(endedBy === undefined ? {} : { endedBy }) };
  }

  #user(name: string): string {
    return `${name}.${this.#users++}`;
  }

  async #pause(random: Random): Promise<void> {
    await new Promise((resume) => setTimeout(resume, random.whole(0, this.#options.pauseMs)));
  }
}

/**
 * Does only a deadline end the wait for a destination that refuses? What the script refuses is told nowhere, nor is
 * what becomes of the new call of a phone that has hung up early.
 */
function isUntold(sent: string | undefined, destination: string): boolean {
  const refusing = ['phone-busy', 'phone-decline', 'silent', 'ring', 'busy', 'nobody'].includes(destination);
  return ['busy', 'nobody'].includes(destination) || (refusing && sent?.startsWith('early') === true);
}

/** The Call-ID that the event of that name brought, if it was told. */
export function callidIn(ran: Ran, name: string): string | undefined {
  const data = ran.told.find(({ event }) => event === name)?.data;
  return typeof data === 'object' && data !== null && 'callid' in data ? String(data.callid) : undefined;
}
