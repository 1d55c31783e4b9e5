/**
 * Runs one command in place of the runner: a test gives it inputs and checks the actions that follow.
 * @module
 */
import { expect } from 'vitest';
import { featuresOf } from '../../opensips/features.ts';
import type {
  Action,
  CommandError,
  CommandMachine,
  CommandState,
  Input,
  OpenSipsRequest,
  StartContext,
} from '../command.ts';

/** The Call-ID of a CallStart's first leg, or of the call that another command acts on. */
export const FIRST_CALL = 'first@call-api';
/** The Call-ID of the call that a transfer makes. */
export const NEW_CALL = 'new@phone';

export interface RecordedNotification {
  readonly event: string;
  readonly data?: unknown;
  readonly error?: CommandError;
}

/** An input and its expected outcome: `CallerRinging`, `MI dlg_end_dlg first@call-api`, `Error: …`, `Ended`. */
export type ScriptStep = readonly [input: Input, ...outcome: string[]];

export class CommandHarness<P, S extends CommandState> {
  readonly notifications: RecordedNotification[] = [];
  /** MI requests without a reply, by the machine's name for them. */
  readonly pendingRequests = new Map<string, OpenSipsRequest>();
  /** Running timers with the milliseconds that they were started for. */
  readonly timers = new Map<string, number>();
  /** The outcome of the start. */
  readonly startOutcome: string[];
  readonly #machine: CommandMachine<P, S>;
  #state: S | null;

  /**
   * @param answered the Call-IDs of dialogs that are known to be answered and active
   * @param context replaces parts of the context: by default the adapter sends no requests within a dialog
   */
  constructor(
    machine: CommandMachine<P, S>,
    params: P,
    findCallStart: StartContext['findCallStart'] = () => undefined,
    answered: readonly string[] = [],
    context: Partial<StartContext> = {},
  ) {
    this.#machine = machine;
    const { state, actions } = machine.start(params, {
      callid: FIRST_CALL,
      nextHop: 'sip:10.0.0.1:5060',
      findCallStart,
      isAnswered: (callid) => answered.includes(callid),
      isKnown: (callid) => answered.includes(callid),
      heldLegs: () => undefined,
      isTransferring: () => false,
      features: featuresOf({ set_up_from: 'caller' }),
      ...context,
    });
    this.#state = storeAndRestore(state);
    this.startOutcome = actions.map((action) => this.#carryOut(action));
  }

  /** Whether the command is finished, so that nothing of it is stored. */
  get isFinished(): boolean {
    return this.#state === null;
  }

  get followedCallids(): readonly string[] {
    return this.#state?.followedCallids ?? [];
  }

  /** Gives the command an input that a runner could give. Returns the outcome in order. */
  step(input: Input): string[] {
    if (!this.#state)
      throw new Error(`the command is finished: no runner would give it ${JSON.stringify(input)}`);
    this.#checkInput(input);
    const { state, actions } = this.#machine.step(this.#state, input);
    this.#state = storeAndRestore(state);
    return actions.map((action) => this.#carryOut(action)).filter((outcome) => outcome !== '');
  }

  /** Runs a script. Each input must lead to exactly the outcome of its step. */
  run(...script: readonly ScriptStep[]): this {
    for (const [index, [input, ...outcome]] of script.entries())
      expect(this.step(input), `step ${index + 1}: ${JSON.stringify(input)}`).toEqual(outcome);
    return this;
  }

  #checkInput(input: Input): void {
    switch (input.type) {
      case 'mi-result':
      case 'mi-error':
      case 'mi-no-reply':
        if (!this.pendingRequests.delete(input.request))
          throw new Error(`there is no pending request ${input.request}`);
        break;
      case 'timer':
        if (!this.timers.delete(input.timer)) throw new Error(`the timer ${input.timer} is not running`);
        break;
      case 'event':
        if (!this.followedCallids.includes(input.event.params.callid) && !this.#state?.awaitsCall)
          throw new Error(`${input.event.params.callid} is not followed`);
    }
  }

  #carryOut(action: Action): string {
    switch (action.type) {
      case 'mi-request':
        this.pendingRequests.set(action.name, action.command);
        return `MI ${summarize(action.command)}`;
      case 'notify':
        this.notifications.push({ event: action.event, ...('data' in action ? { data: action.data } : {}) });
        return action.event;
      case 'error':
        this.notifications.push({ event: 'Error', data: action.text, error: action.error });
        return `Error: ${action.text}`;
      case 'ended':
        this.notifications.push({ event: 'Ended' });
        return 'Ended';
      case 'start-timer':
        this.timers.set(action.timer, action.ms);
        return '';
      case 'stop-timer':
        this.timers.delete(action.timer);
        return '';
      case 'cancel':
        return `cancel ${action.cmdId}`;
    }
  }
}

function storeAndRestore<S>(state: S): S {
  const restored: S = JSON.parse(JSON.stringify(state));
  expect(restored, 'a state is plain JSON').toEqual(state);
  return restored;
}

function summarize({ method, params }: OpenSipsRequest): string {
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
