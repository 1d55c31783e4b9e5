/**
 * CallEnd: ends a call by its Call-ID, or a CallStart that still runs by its `cmd_id`, whatever rings for it.
 * @module
 */
import type { Failure, Input, Machine, State } from '../command.ts';
import { miFailure, noAnswerFailure, Turn, timeoutFailure } from '../command.ts';
import { MI_MS } from '../deadlines.ts';
import { dialogState } from '../evi.ts';
import type { Params } from '../methods.ts';
import { copy } from './copy.ts';
import { isGone, type Release, release, stepRelease } from './release.ts';

export interface CallEnd extends State {
  /** Absent while it is a CallStart that ends. */
  release?: Release;
  /** The client has got `Ended`; what remains is a leg that could not be cancelled yet. */
  ended: boolean;
}

export const callEnd: Machine<Params<'CallEnd'>, CallEnd> = {
  start(params, { call, isAnswered }) {
    const turn = new Turn();
    const known = call(params.callid);
    if (known === 'running') {
      turn.cancel(params.callid);
      turn.wait('cancelled', MI_MS);
      return { state: { follows: [], ended: false }, actions: turn.actions };
    }
    const callid = known ?? params.callid;
    // Where one is known to have stood, "not found" says that it was ended.
    const leg = { callid, state: isAnswered(callid) ? dialogState.answered : 0, calling: false };
    return {
      state: { follows: [callid], release: release([leg], MI_MS, turn), ended: false },
      actions: turn.actions,
    };
  },

  step(before, input) {
    const it = copy(before);
    const turn = new Turn();
    const over = it.release ? ending(it, it.release, input, turn) : cancelling(input, turn);
    return { state: over ? null : it, actions: turn.actions };
  },
};

function cancelling(input: Input, turn: Turn): boolean {
  const late = input.type === 'timer' && input.timer === 'cancelled';
  if (late) turn.fail(timeoutFailure(`the CallStart did not end within ${MI_MS / 1000} s`));
  if (late || input.type === 'cancelled') turn.ended();
  return late || input.type === 'cancelled';
}

/** OpenSIPS's first answer decides what the client is told; a leg that still rings is followed to its end. */
function ending(it: CallEnd, legs: Release, input: Input, turn: Turn): boolean {
  const unanswered = legs.legs.every((leg) => !leg.answered && !leg.gone);
  const course = stepRelease(legs, input, turn);
  const refused = !it.ended && input.type === 'refusal';
  if (!it.ended && (input.type === 'reply' || refused || course === 'late' || isGone(legs))) {
    const failure = failureOf(legs, input, unanswered);
    if (failure) turn.fail(failure);
    turn.ended();
    it.ended = true;
  }
  return it.ended && (isGone(legs) || (refused && unanswered) || course === 'over');
}

/**
 * Asked again because an answer was lost, OpenSIPS may know the call no more. If an event showed it, it was the
 * first that ended it.
 */
function failureOf(legs: Release, input: Input, unanswered: boolean): Failure | undefined {
  if (input.type === 'timer') return noAnswerFailure('dlg_end_dlg', 'unknown', 'no answer in time');
  if (input.type !== 'refusal') return undefined;
  if (unanswered) return miFailure('dlg_end_dlg', input.error);
  const seen = legs.legs.some(({ state }) => state > 0);
  return seen ? undefined : noAnswerFailure('dlg_end_dlg', 'unknown', 'there is no such call now');
}
