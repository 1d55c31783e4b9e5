/** The MI requests of commands, from when they are asked until their answer, or word that none will come. @module */
import type { Action, Input } from './command.ts';
import type { Mi, Outcome, Reply } from './link.ts';
import type { Running } from './running.ts';
import type { Command, Pending } from './stored-command.ts';

/** An answer may be this much under way after the adapter's own deadline, in milliseconds. */
const LINK_GRACE_MS = 1_000;

/** What the commands that run have asked OpenSIPS, and which process of the adapter has been given it. */
export class MiRequests {
  readonly #epoch: string;
  readonly #running: Running;
  readonly #give: (command: Command, input: Input) => void;
  /** The adapter's process that the link is up to. */
  #stream: string | null = null;
  /** Those that are not answered yet, but for INVITEs, which wait for a person. */
  #awaited = 0;
  #outgoing: Mi[] = [];

  /**
   * @param epoch random for each storage, so that ids are never used twice
   * @param running those whose requests they are
   * @param give is given what a command is to hear of its request
   */
  constructor(epoch: string, running: Running, give: (command: Command, input: Input) => void) {
    this.#epoch = epoch;
    this.#running = running;
    this.#give = give;
  }

  /** How many are under way that OpenSIPS answers at once: how busy the site is, however many phones ring. */
  get awaited(): number {
    return this.#awaited;
  }

  /** There is something to send. */
  get any(): boolean {
    return this.#outgoing.length > 0;
  }

  /** What is to be sent since the last call, in order. */
  take(): readonly Mi[] {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    return outgoing;
  }

  /** A command is there again, with what it had asked before. */
  add({ pending }: Command): void {
    this.#awaited += Object.values(pending).filter(isBrisk).length;
  }

  /** Asks, in place of what was asked by that name before. Returns when it is given up, in Unix milliseconds. */
  ask(command: Command, what: Extract<Action, { type: 'request' }>, now: number): number {
    this.#settled(command, what.as);
    const pending: Pending = { n: command.asked++, command: what.command, deadline: now + what.timeout };
    command.pending[what.as] = pending;
    if (isBrisk(pending)) this.#awaited += 1;
    if (this.#stream !== null) {
      pending.stream = this.#stream;
      this.#send(command, pending, now);
    }
    return givenUpAt(pending);
  }

  /** An adapter's answer; one that nobody waits for any more is passed over. */
  reply({ id, error, outcome, result }: Omit<Reply, 'type' | 'seq'>): void {
    const [epoch, commandId, n] = id.split('.');
    const command = this.#running.get(Number(commandId));
    if (!command || epoch !== this.#epoch) return;
    const as = Object.keys(command.pending).find((name) => command.pending[name]?.n === Number(n));
    if (as === undefined) return;
    this.#settled(command, as);
    if (error) this.#give(command, { type: 'refusal', to: as, error });
    else if (outcome) this.#give(command, { type: 'no-answer', to: as, ...fates[outcome] });
    else this.#give(command, { type: 'reply', to: as, result });
  }

  /** It is waited for no longer, unless it was answered or asked anew meanwhile: `n` is no more the one of that name. */
  giveUp(command: Command, as: string, n: number, why = 'no answer within its deadline'): void {
    const pending = command.pending[as];
    if (pending?.n !== n) return;
    this.#settled(command, as);
    const sent = pending.stream !== undefined;
    this.#give(command, {
      type: 'no-answer',
      to: as,
      fate: sent ? 'unknown' : 'not-run',
      why: sent ? why : 'no adapter was connected',
    });
  }

  /** The command is over: nobody waits for what it has asked. */
  forget(command: Command): void {
    for (const as of Object.keys(command.pending)) this.#settled(command, as);
  }

  /**
   * The link is up. What this process of the adapter has not answered is sent (again); what another had been given may
   * have run or not, and is never sent again. Returns the commands of what is sent for the first time: they have changed.
   */
  linkUp(stream: string, now: number): readonly Command[] {
    this.#stream = stream;
    const changed: Command[] = [];
    for (const command of this.#running) {
      for (const [as, pending] of Object.entries(command.pending)) {
        if (pending.stream !== undefined && pending.stream !== stream) {
          this.giveUp(command, as, pending.n, 'the adapter was restarted');
        } else if (pending.deadline > now) {
          if (pending.stream === undefined) changed.push(command);
          pending.stream = stream;
          this.#send(command, pending, now);
        }
      }
    }
    return changed;
  }

  /** The link to this process of the adapter still stands: after a sleep of ours. */
  linkStands(stream: string): void {
    this.#stream = stream;
  }

  /** The link is down: requests wait until it is back or their deadline has passed. */
  linkDown(): void {
    this.#stream = null;
  }

  #send(command: Command, { n, command: { method, params }, deadline }: Pending, now: number): void {
    const left = deadline - now;
    const id = `${this.#epoch}.${command.id}.${n}`;
    this.#outgoing.push({ type: 'mi', id, method, params, timeout_ms: left, ttl_ms: left });
  }

  /** The request has had its answer, or will have none. */
  #settled(command: Command, as: string): void {
    const pending = command.pending[as];
    if (pending && isBrisk(pending)) this.#awaited -= 1;
    delete command.pending[as];
  }
}

/** When a request is given up, in Unix milliseconds. */
export function givenUpAt({ deadline }: Pending): number {
  return deadline + LINK_GRACE_MS;
}

const fates: Record<Outcome, { readonly fate: 'unknown' | 'not-run'; readonly why: string }> = {
  timeout: { fate: 'unknown', why: 'no answer in time' },
  expired: { fate: 'not-run', why: 'it came to the adapter too late' },
  refused: { fate: 'not-run', why: 'the adapter does not allow it' },
  unreachable: { fate: 'not-run', why: 'nothing listens at its MI address' },
};

function isBrisk({ command }: Pending): boolean {
  return command.method !== 't_uac_dlg';
}
