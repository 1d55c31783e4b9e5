/**
 * A stage for one command: it plays the part of the runner, so a test gives inputs and reads what they led to.
 * @module
 */
import { expect } from 'vitest';
import type { Action, CommandError, Context, Input, Machine, State } from '../../command.ts';
import type { MiCommand } from '../../mi.ts';

/** The Call-ID that a CallStart is given for its first leg, or that of the call that other commands are about. */
export const FIRST = 'first@call-api';
/** The Call-ID of the call that a transfer makes. */
export const NEW = 'new@phone';

export interface Told {
  readonly event: string;
  readonly data?: unknown;
  readonly error?: CommandError;
}

/** An input, and what it leads to: `CallerRinging`, `MI dlg_end_dlg first@call-api`, `Error: …`, `Ended`. */
export type Row = readonly [input: Input, ...outcome: string[]];

export class Stage<P, S extends State> {
  readonly told: Told[] = [];
  /** MI requests without an answer, by the machine's name for them. */
  readonly outstanding = new Map<string, MiCommand>();
  /** Milliseconds of each timer that was set last. */
  readonly timers = new Map<string, number>();
  /** What starting led to. */
  readonly opening: string[];
  readonly #machine: Machine<P, S>;
  #state: S | null;

  /** @param answered Call-IDs of dialogs that are known to stand answered */
  constructor(
    machine: Machine<P, S>,
    params: P,
    call: Context['call'] = () => undefined,
    answered: readonly string[] = [],
  ) {
    this.#machine = machine;
    const { state, actions } = machine.start(params, {
      callid: FIRST,
      nextHop: 'sip:10.0.0.1:5060',
      call,
      isAnswered: (callid) => answered.includes(callid),
    });
    this.#state = stored(state);
    this.opening = actions.map((action) => this.#act(action));
  }

  /** Is it over, with nothing left to remember? */
  get over(): boolean {
    return this.#state === null;
  }

  /** Which events it wants. */
  get follows(): readonly string[] {
    return this.#state?.follows ?? [];
  }

  /** Gives an input that a runner could give too; answers what it led to, in order. */
  give(input: Input): string[] {
    if (!this.#state)
      throw new Error(`the command is over: no runner would give it ${JSON.stringify(input)}`);
    this.#take(input);
    const { state, actions } = this.#machine.step(this.#state, input);
    this.#state = stored(state);
    return actions.map((action) => this.#act(action)).filter((outcome) => outcome !== '');
  }

  /** Plays a table: each input must lead to its row's outcome, neither more nor less. */
  play(...rows: readonly Row[]): this {
    rows.forEach(([input, ...outcome], at) => {
      expect(this.give(input), `row ${at + 1}: ${JSON.stringify(input)}`).toEqual(outcome);
    });
    return this;
  }

  #take(input: Input): void {
    switch (input.type) {
      case 'reply':
      case 'refusal':
      case 'no-answer':
        if (!this.outstanding.delete(input.to)) throw new Error(`nothing was asked as ${input.to}`);
        break;
      case 'timer':
        if (!this.timers.delete(input.timer)) throw new Error(`the timer ${input.timer} does not run`);
        break;
      case 'event':
        if (!this.follows.includes(input.event.params.callid))
          throw new Error(`${input.event.params.callid} is not followed`);
    }
  }

  #act(action: Action): string {
    switch (action.type) {
      case 'request':
        this.outstanding.set(action.as, action.command);
        return `MI ${inShort(action.command)}`;
      case 'notify':
        this.told.push({ event: action.event, ...('data' in action ? { data: action.data } : {}) });
        return action.event;
      case 'error':
        this.told.push({ event: 'Error', data: action.sentence, error: action.error });
        return `Error: ${action.sentence}`;
      case 'ended':
        this.told.push({ event: 'Ended' });
        return 'Ended';
      case 'timer':
        this.timers.set(action.timer, action.ms);
        return '';
      case 'stop':
        this.timers.delete(action.timer);
        return '';
      case 'cancel':
        return `cancel ${action.cmdId}`;
    }
  }
}

/** As it comes back from storage. */
function stored<S>(state: S): S {
  const copy: S = JSON.parse(JSON.stringify(state));
  expect(copy, 'a state is plain JSON').toEqual(state);
  return copy;
}

function inShort({ method, params }: MiCommand): string {
  switch (method) {
    case 't_uac_dlg':
      return `t_uac_dlg ${params.ruri}`;
    case 'dlg_end_dlg':
      return `dlg_end_dlg ${params.dialog_id}`;
    case 'dlg_list':
      return 'callid' in params ? `dlg_list ${params.callid}` : `dlg_list ${params.index}+${params.counter}`;
    default:
      return `${method} ${params.callid}`;
  }
}
