/**
 * The course of `call_hold` and `call_unhold`: a re-INVITE to each leg that changes, and an event at its start
 * and its end. A leg that is already as asked raises nothing, so how many there will be is not known.
 * @module
 */
import type { Input, Machine, State } from '../command.ts';
import { miFailure, noAnswerFailure, sipFailure, Turn } from '../command.ts';
import { ACKNOWLEDGED_MS, MI_MS, QUIET_MS, REINVITE_MS } from '../deadlines.ts';
import { dialogState, type Leg } from '../evi.ts';
import { code } from '../jsonrpc.ts';
import { type MiCommand, NOT_FOUND } from '../mi.ts';
import { copy } from './copy.ts';

export interface Hold extends State {
  readonly callid: string;
  /** The only leg that is meant; none: both. */
  readonly leg?: Leg;
  /** Has OpenSIPS taken the command? Events before that may be another command's. */
  taken: boolean;
  /** The answer was lost, and it was asked once more: a call that is held is refused, so that does no harm. */
  again: boolean;
  /**
   * The call was answered, but not acknowledged yet: then OpenSIPS holds nothing. `heard`: the event that it is
   * acknowledged has come. `awaited`: OpenSIPS has refused, and it is waited for. `asked`: it was asked once more.
   */
  ready?: 'heard' | 'awaited' | 'asked';
  /** What happened to each leg, by the name that OpenSIPS gives it. */
  legs: Record<string, 'start' | 'ok' | 'fail'>;
  /** Events that overtook the reply. */
  early: [leg: string, state: string][];
  /** The call has ended. */
  gone: boolean;
}

/** The two directions: their MI command, the `action` in E_CALL_HOLD, and the names of their events. */
const directions = {
  hold: { method: 'call_hold', name: 'CallHold' },
  unhold: { method: 'call_unhold', name: 'CallUnhold' },
} as const;

/** What OpenSIPS answers where all legs are as asked already. */
const ALREADY = 480;

/** What it answers as long as the call is not acknowledged: who holds a call that was just answered may be too early. */
const NOT_READY = 410;

/** Legs of a call. */
const BOTH = 2;

interface HoldParams {
  readonly callid: string;
  readonly leg?: Leg | undefined;
}

/** CallHold or CallUnhold. With a leg, the other one's phone is re-INVITEd as well, but goes on being heard. */
export function holdMachine(action: keyof typeof directions): Machine<HoldParams, Hold> {
  const { method, name } = directions[action];
  return {
    start({ callid, leg }) {
      const turn = new Turn();
      const which = leg === undefined ? { callid } : { callid, leg };
      turn.request('hold', asked(which), MI_MS);
      return {
        state: { follows: [callid], ...which, taken: false, again: false, legs: {}, early: [], gone: false },
        actions: turn.actions,
      };
    },

    step(before, input) {
      const it = copy(before);
      const turn = new Turn();
      const over = advance(it, input, turn);
      if (over) turn.ended();
      return { state: over ? null : it, actions: turn.actions };
    },
  };

  function asked({ callid, leg }: Pick<Hold, 'callid' | 'leg'>): MiCommand {
    return { method, params: leg === undefined ? { callid } : { callid, leg } };
  }

  function advance(it: Hold, input: Input, turn: Turn): boolean {
    switch (input.type) {
      case 'reply':
        return input.to === 'hold' && taken(it, turn);
      case 'refusal':
        if (input.to === 'look') return input.error.code === NOT_FOUND && callEnded(turn);
        if (input.error.code === NOT_READY && it.ready !== 'asked') return notReady(it, turn);
        if (it.again && input.error.code === ALREADY) return takenBefore(it, input.error.message, turn);
        turn.fail(miFailure(method, input.error));
        return true;
      case 'no-answer':
        if (input.to === 'look') return false;
        // The first may have run, whatever became of the second: the events tell.
        if (it.again) return taken(it, turn);
        if (input.fate === 'unknown') {
          it.again = true;
          turn.request('hold', asked(it), MI_MS);
          return false;
        }
        turn.fail(noAnswerFailure(method, input.fate, input.why));
        return true;
      case 'settle':
        turn.request('look', { method: 'dlg_list', params: { callid: it.callid } }, MI_MS);
        return false;
      case 'timer':
        return onTimer(it, input.timer, turn);
      case 'event':
        return onEvent(it, input, turn);
      default:
        return false;
    }
  }

  /** It will be when the ACK is there, which is milliseconds behind the answer. */
  function notReady(it: Hold, turn: Turn): boolean {
    if (it.ready === 'heard') return askAgain(it, turn);
    it.ready = 'awaited';
    turn.wait('acknowledged', ACKNOWLEDGED_MS);
    return false;
  }

  function askAgain(it: Hold, turn: Turn): boolean {
    it.ready = 'asked';
    turn.stop('acknowledged');
    turn.request('hold', asked(it), MI_MS);
    return false;
  }

  function taken(it: Hold, turn: Turn): boolean {
    if (it.taken) return false;
    it.taken = true;
    turn.notify(`${name}ing`);
    turn.wait('re-invite', REINVITE_MS);
    const over = it.early.splice(0).some(([leg, state]) => onLeg(it, leg, state, turn));
    return over || (it.gone && callEnded(turn));
  }

  /** The first was taken, as its events say; or it was refused as well, where nothing was heard of it. */
  function takenBefore(it: Hold, sentence: string, turn: Turn): boolean {
    if (it.early.length > 0) return taken(it, turn);
    turn.fail(noAnswerFailure(method, 'unknown', `asked again, it says: ${sentence}`));
    return true;
  }

  function callEnded(turn: Turn): boolean {
    turn.fail(sipFailure(`${action} failed: `, '487 the call ended'));
    return true;
  }

  function onEvent(it: Hold, { event }: Extract<Input, { type: 'event' }>, turn: Turn): boolean {
    if (event.name === 'E_DLG_STATE_CHANGED' && event.params.new_state === dialogState.ended) {
      it.gone = true;
      return it.taken && callEnded(turn);
    }
    if (event.name === 'E_DLG_STATE_CHANGED' && event.params.new_state === dialogState.acknowledged) {
      if (it.ready === 'awaited') return askAgain(it, turn);
      it.ready ??= 'heard';
    }
    if (event.name !== 'E_CALL_HOLD' || event.params.action !== action) return false;
    const { leg, state } = event.params;
    if (it.taken) return onLeg(it, leg, state, turn);
    it.early.push([leg, state]);
    return false;
  }

  function onLeg(it: Hold, leg: string, state: string, turn: Turn): boolean {
    if (state !== 'start' && state !== 'ok' && state !== 'fail') return false;
    const was = it.legs[leg];
    if (was === 'ok' || was === 'fail' || was === state) return false;
    if (was === undefined) turn.notify(`${name}Start`, { leg });
    if (state === 'ok') turn.notify(`${name}Successful`, { leg });
    if (state === 'fail') turn.notify(`${name}Failed`, { leg });
    it.legs[leg] = state;
    const ends = Object.values(it.legs);
    if (ends.includes('start')) {
      turn.stop('quiet');
      return false;
    }
    if (ends.length === BOTH) return settle(it, turn);
    turn.wait('quiet', QUIET_MS);
    return false;
  }

  function settle(it: Hold, turn: Turn): boolean {
    const refused = Object.keys(it.legs).filter((leg) => it.legs[leg] === 'fail');
    if (refused.length > 0)
      turn.fail(sipFailure(`${action} failed: `, `488 refused by the ${refused.join(' and the ')}`));
    return true;
  }

  function onTimer(it: Hold, timer: string, turn: Turn): boolean {
    if (timer === 'quiet') return settle(it, turn);
    if (timer === 'acknowledged') return askAgain(it, turn);
    if (timer !== 're-invite') return false;
    const silent = Object.keys(it.legs).filter((leg) => it.legs[leg] === 'start');
    const who = silent.length > 0 ? `the ${silent.join(' and the ')}` : 'either phone';
    const sentence = `${action}: no word from ${who} within ${REINVITE_MS / 1000} s, so it may have been done or not`;
    turn.fail({ sentence, error: { code: code.unknown, message: sentence } });
    return true;
  }
}
