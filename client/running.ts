/**
 * The commands that this client runs. One that may not have arrived is asked for again with the same `cmd_id`, so that
 * it runs once; but only for a while: an edge that has forgotten the `cmd_id` would run it anew.
 * @module
 */
import {
  type Answer,
  type Closed,
  type Fields,
  isFailure,
  isFields,
  type Notice,
  type Unheard,
  unanswered,
  unsent,
} from './frames.ts';

/** A tenant may have no more than 60 s kept (`kept_seconds` of `shared/policy.ts`): half of that is safe. */
export const ASK_AGAIN_MS = 30_000;

interface Command {
  readonly method: string;
  readonly params: object;
  readonly on: (notice: Notice) => void;
}

interface Kept extends Command {
  /** When it was first asked for, in Unix milliseconds. */
  readonly at: number;
  /** It was sent, and so it may run. */
  isSent: boolean;
  isStarted: boolean;
  /** The last that was told of it. */
  seq: number;
}

export class Running {
  readonly #commands = new Map<string, Kept>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(cmdId: string, command: Command): void {
    this.#commands.set(cmdId, { ...command, at: this.#now(), isSent: false, isStarted: false, seq: -1 });
  }

  has(cmdId: string): boolean {
    return this.#commands.has(cmdId);
  }

  /** It is sent now: what, and whether it was sent before. Undefined where nobody asks for it any more. */
  send(cmdId: string): (Pick<Command, 'method' | 'params'> & { readonly isAgain: boolean }) | undefined {
    const command = this.#commands.get(cmdId);
    if (!command) return undefined;
    const sent = { ...command, isAgain: command.isSent };
    command.isSent = true;
    return sent;
  }

  /** Nobody wants to hear of it any more; it is not asked for again. */
  forget(cmdId: string): void {
    this.#commands.delete(cmdId);
  }

  /**
   * A socket is open: which are to be asked for?
   * @param isNewSession then nothing is told of what runs, unless it is asked for again
   */
  toAsk(isNewSession: boolean): string[] {
    const silent = [...this.#commands].filter(([, { isStarted }]) => isNewSession || !isStarted);
    const isLate = ([, { at }]: readonly [string, Kept]) => this.#now() - at > ASK_AGAIN_MS;
    for (const [cmdId] of silent.filter(isLate)) this.#lose(cmdId, 'late');
    return silent.filter((each) => !isLate(each)).map(([cmdId]) => cmdId);
  }

  /** The answer to a request has come. */
  answered(cmdId: string, { error }: Answer): void {
    const command = this.#commands.get(cmdId);
    if (!command) return;
    if (error) {
      this.#commands.delete(cmdId);
      command.on({ event: 'Refused', error });
    } else if (!command.isStarted) {
      command.isStarted = true;
      command.on({ event: 'Started' });
    }
  }

  /** A notification has come. What was told already is not told again. */
  told(params: Fields): void {
    const { cmd_id: cmdId, event, data, error, metadata, seq } = params;
    const command = this.#commands.get(String(cmdId));
    if (!command || typeof event !== 'string') return;
    if (typeof seq === 'number') {
      if (seq <= command.seq) return;
      command.seq = seq;
    }
    if (event === 'Ended') this.#commands.delete(String(cmdId));
    command.on({
      event,
      ...(data === undefined ? {} : { data }),
      ...(isFailure(error) ? { error } : {}),
      ...(isFields(metadata) ? { metadata } : {}),
      ...(typeof seq === 'number' ? { seq } : {}),
    });
  }

  /** Nothing more will be heard of any. */
  lose(why: Closed): void {
    for (const cmdId of [...this.#commands.keys()]) this.#lose(cmdId, why);
  }

  #lose(cmdId: string, why: Unheard): void {
    const command = this.#commands.get(cmdId);
    this.#commands.delete(cmdId);
    command?.on({ event: 'Lost', error: command.isSent ? unanswered(why) : unsent(why) });
  }
}
