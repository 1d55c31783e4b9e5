/**
 * Runs `call_hold` and `call_unhold`. OpenSIPS sends a re-INVITE to each leg that changes, and raises an event at its
 * start and at its end. A leg that is already in the requested state raises no event, so the number of events is not
 * known.
 * @module
 */

import { dialogState, type Leg } from '../../opensips/evi.ts';
import { type MiCommand, NOT_FOUND } from '../../opensips/mi.ts';
import { quote } from '../../settings/quote.ts';
import type { CommandMachine, CommandState, EventInput, Input } from '../command.ts';
import { copyJson } from '../copy-json.ts';
import { ACK_TIMEOUT_MS, HOLD_QUIET_MS, MI_TIMEOUT_MS, REINVITE_TIMEOUT_MS } from '../deadlines.ts';
import { miFailure, noReplyFailure, refusedFailure, unknownFailure } from '../failures.ts';
import { StepActions } from '../step-actions.ts';
import { callEndedFailure, directions, type HoldAction, type HoldParams } from './directions.ts';

export interface CallopsHoldState extends CommandState {
  readonly engine: 'callops';
  readonly callid: string;
  /** The only leg to change. Without it both change. */
  readonly leg?: Leg;
  /** OpenSIPS has accepted the command. Events before that may belong to another command. */
  isAccepted: boolean;
  /** The reply was lost, and the request was repeated. That does no harm: OpenSIPS refuses to hold a held call. */
  isRetried: boolean;
  /**
   * The ACK of a call that was just answered: OpenSIPS holds no call before it. `received`: its event has come.
   * `awaited`: OpenSIPS has refused the request, which is repeated after the ACK. `retried`: it was repeated.
   */
  ack?: 'received' | 'awaited' | 'retried';
  /** The last event of each leg, by OpenSIPS's name for the leg. */
  legs: Record<string, 'start' | 'ok' | 'fail'>;
  /** Events that have arrived before the reply. */
  earlyEvents: [leg: string, legState: string][];
  hasCallEnded: boolean;
}

/** OpenSIPS's error if all legs are in the requested state already. */
const ALREADY_DONE = 480;

/** OpenSIPS's error before the ACK, which a request right after the answer can precede. */
const NOT_READY = 410;

const LEGS = ['caller', 'callee'];

/** The states of a leg. OpenSIPS raises others, which say nothing. */
const LEG_STATES = ['start', 'ok', 'fail'];

/** More events than a request raises before its reply. Later ones are dropped. */
const MAX_EARLY_EVENTS = 16;

/** Returns the machine that holds or unholds by callops. With a leg, the other phone gets a re-INVITE as well, but can be heard. */
export function callopsHold(action: HoldAction): CommandMachine<HoldParams, CallopsHoldState> {
  const { method, prefix } = directions[action];
  return {
    start({ callid, leg }) {
      const actions = new StepActions();
      const target = leg === undefined ? { callid } : { callid, leg };
      actions.requestMi('hold', miCommand(target), MI_TIMEOUT_MS);
      const state: CallopsHoldState = {
        engine: 'callops',
        followedCallids: [callid],
        ...target,
        isAccepted: false,
        isRetried: false,
        legs: {},
        earlyEvents: [],
        hasCallEnded: false,
      };
      return { state, actions: actions.list };
    },

    step(previous, input) {
      const state = copyJson(previous);
      const actions = new StepActions();
      const isFinished = handleInput(state, input, actions);
      if (isFinished) actions.end();
      return { state: isFinished ? null : state, actions: actions.list };
    },
  };

  function miCommand({ callid, leg }: Pick<CallopsHoldState, 'callid' | 'leg'>): MiCommand {
    return { method, params: leg === undefined ? { callid } : { callid, leg } };
  }

  /** Each handler returns whether the command is finished. */
  function handleInput(state: CallopsHoldState, input: Input, actions: StepActions): boolean {
    switch (input.type) {
      case 'mi-result':
        return input.request === 'hold' && onAccepted(state, actions);
      case 'mi-error':
        return onMiError(state, input, actions);
      case 'mi-no-reply':
        return onNoReply(state, input, actions);
      case 'resync':
        actions.requestMi(
          'read-dialog',
          { method: 'dlg_list', params: { callid: state.callid } },
          MI_TIMEOUT_MS,
        );
        return false;
      case 'timer':
        return onTimer(state, input.timer, actions);
      case 'event':
        return onEvent(state, input, actions);
      default:
        return false;
    }
  }

  function onMiError(
    state: CallopsHoldState,
    { request, error }: Extract<Input, { type: 'mi-error' }>,
    actions: StepActions,
  ): boolean {
    if (request === 'read-dialog') return error.code === NOT_FOUND && failCallEnded(actions);
    if (error.code === NOT_READY && state.ack !== 'retried') return onNotReady(state, actions);
    if (state.isRetried && error.code === ALREADY_DONE) return onAlreadyDone(state, error.message, actions);
    actions.fail(miFailure(method, error));
    return true;
  }

  function onNoReply(
    state: CallopsHoldState,
    { request, execution, reason }: Extract<Input, { type: 'mi-no-reply' }>,
    actions: StepActions,
  ): boolean {
    if (request === 'read-dialog') return false;
    // The first request may have run, whatever happened to the second: the events decide.
    if (state.isRetried) return onAccepted(state, actions);
    if (execution === 'unknown') {
      state.isRetried = true;
      actions.requestMi('hold', miCommand(state), MI_TIMEOUT_MS);
      return false;
    }
    actions.fail(noReplyFailure(method, execution, reason));
    return true;
  }

  /** The ACK follows the answer within milliseconds. */
  function onNotReady(state: CallopsHoldState, actions: StepActions): boolean {
    if (state.ack === 'received') return retryAfterAck(state, actions);
    state.ack = 'awaited';
    actions.startTimer('ack', ACK_TIMEOUT_MS);
    return false;
  }

  function retryAfterAck(state: CallopsHoldState, actions: StepActions): boolean {
    state.ack = 'retried';
    actions.stopTimers('ack');
    actions.requestMi('hold', miCommand(state), MI_TIMEOUT_MS);
    return false;
  }

  function onAccepted(state: CallopsHoldState, actions: StepActions): boolean {
    if (state.isAccepted) return false;
    state.isAccepted = true;
    actions.notify(`${prefix}ing`);
    actions.startTimer('re-invite', REINVITE_TIMEOUT_MS);
    const isFinished = state.earlyEvents
      .splice(0)
      .some(([leg, legState]) => onLegEvent(state, leg, legState, actions));
    return isFinished || (state.hasCallEnded && failCallEnded(actions));
  }

  /** If there were events, OpenSIPS had accepted the first request. Otherwise it may have refused that one as well. */
  function onAlreadyDone(state: CallopsHoldState, message: string, actions: StepActions): boolean {
    if (state.earlyEvents.length > 0) return onAccepted(state, actions);
    actions.fail(
      noReplyFailure(method, 'unknown', `the repeated request was rejected with ${quote(message)}`),
    );
    return true;
  }

  function failCallEnded(actions: StepActions): boolean {
    actions.fail(callEndedFailure(action));
    return true;
  }

  function onEvent(state: CallopsHoldState, { event }: EventInput, actions: StepActions): boolean {
    if (event.name === 'E_DLG_STATE_CHANGED' && event.params.new_state === dialogState.ended) {
      state.hasCallEnded = true;
      return state.isAccepted && failCallEnded(actions);
    }
    if (event.name === 'E_DLG_STATE_CHANGED' && event.params.new_state === dialogState.acknowledged) {
      if (state.ack === 'awaited') return retryAfterAck(state, actions);
      state.ack ??= 'received';
    }
    if (event.name !== 'E_CALL_HOLD' || event.params.action !== action) return false;
    const { leg, state: legState } = event.params;
    if (!LEGS.includes(leg) || !LEG_STATES.includes(legState)) return false;
    if (state.isAccepted) return onLegEvent(state, leg, legState, actions);
    if (state.earlyEvents.length < MAX_EARLY_EVENTS) state.earlyEvents.push([leg, legState]);
    return false;
  }

  function onLegEvent(state: CallopsHoldState, leg: string, legState: string, actions: StepActions): boolean {
    if (legState !== 'start' && legState !== 'ok' && legState !== 'fail') return false;
    const previous = state.legs[leg];
    if (previous === 'ok' || previous === 'fail' || previous === legState) return false;
    if (previous === undefined) actions.notify(`${prefix}Start`, { leg });
    if (legState === 'ok') actions.notify(`${prefix}Successful`, { leg });
    if (legState === 'fail') actions.notify(`${prefix}Failed`, { leg });
    state.legs[leg] = legState;
    const legStates = Object.values(state.legs);
    if (legStates.includes('start')) {
      actions.stopTimers('quiet');
      return false;
    }
    if (legStates.length === LEGS.length) return reportOutcome(state, actions);
    actions.startTimer('quiet', HOLD_QUIET_MS);
    return false;
  }

  function reportOutcome(state: CallopsHoldState, actions: StepActions): boolean {
    const refused = legsIn(state, 'fail');
    if (refused.length > 0)
      actions.fail(
        refusedFailure(
          `${action} failed: the ${refused.join(' and the ')} refused or did not answer. OpenSIPS does not report the status`,
        ),
      );
    return true;
  }

  function onTimer(state: CallopsHoldState, timer: string, actions: StepActions): boolean {
    if (timer === 'quiet') return reportOutcome(state, actions);
    if (timer === 'ack') return retryAfterAck(state, actions);
    if (timer !== 're-invite') return false;
    const silent = legsIn(state, 'start');
    const who = silent.length > 0 ? `the ${silent.join(' and the ')}` : 'either phone';
    actions.fail(
      unknownFailure(
        `${prefix}: no response from ${who} arrived within ${REINVITE_TIMEOUT_MS / 1000} s. The command may or may not have been carried out.`,
      ),
    );
    return true;
  }
}

function legsIn({ legs }: CallopsHoldState, legState: 'start' | 'fail'): string[] {
  return Object.keys(legs).filter((leg) => legs[leg] === legState);
}
