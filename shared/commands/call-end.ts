/**
 * CallEnd: ends a call by its Call-ID, or a CallStart that still runs by its `cmd_id`, whatever rings for it.
 * @module
 */
import type { Input, Machine, State } from '../command.ts';
import { miFailure, noAnswerFailure, Turn, timeoutFailure } from '../command.ts';
import { MI_MS } from '../deadlines.ts';
import type { Params } from '../methods.ts';
import { isGone, type Release, release, stepRelease } from './release.ts';

export interface CallEnd extends State {
  /** Absent while it is a CallStart that ends. */
  release?: Release;
  /** The client has got `Ended`; what remains is a leg that could not be cancelled yet. */
  ended: boolean;
}

export const callEnd: Machine<Params<'CallEnd'>, CallEnd> = {
  start({ callid }, { runs }) {
    const turn = new Turn();
    if (runs(callid)) {
      turn.cancel(callid);
      turn.wait('cancelled', MI_MS);
      return { state: { follows: [], ended: false }, actions: turn.actions };
    }
    const leg = { callid, state: 0, calling: false };
    return {
      state: { follows: [callid], release: release([leg], MI_MS, turn), ended: false },
      actions: turn.actions,
    };
  },

  step(before, input) {
    const it = structuredClone(before);
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

/** OpenSIPS's first answer decides what the client is told. */
function ending(it: CallEnd, legs: Release, input: Input, turn: Turn): boolean {
  const unanswered = legs.legs.some((leg) => !leg.answered && !leg.gone);
  const course = stepRelease(legs, input, turn);
  if (!it.ended) {
    if (input.type === 'refusal' && unanswered) turn.fail(miFailure('dlg_end_dlg', input.error));
    if (course === 'late') turn.fail(noAnswerFailure('dlg_end_dlg', 'unknown', 'no answer in time'));
    if (input.type === 'no-answer') return false;
    it.ended = input.type === 'reply' || input.type === 'refusal' || course === 'late' || isGone(legs);
    if (it.ended) turn.ended();
  }
  const refused = input.type === 'refusal' && unanswered;
  return it.ended && (isGone(legs) || refused || course === 'over');
}
