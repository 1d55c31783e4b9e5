/**
 * Ends dialogs until they are seen to be gone. A dialog that has not rung yet cannot be cancelled (`dlg_end_dlg` answers OK
 * and the INVITE goes on: trace `caller-silent`), so it is asked for again when it rings, and now and then.
 * @module
 */
import type { Input, Turn } from '../command.ts';
import { AGAIN_LONGEST_MS, AGAIN_MS, END_MS, LINGER_MS } from '../deadlines.ts';
import { dialogState } from '../evi.ts';
import { NOT_FOUND } from '../mi.ts';

/** A dialog on its way out. */
export interface ReleasedLeg {
  readonly callid: string;
  /** As far as events told; 0 where none came. */
  state: number;
  /** Its INVITE is not answered yet: even "not found" may only mean "not there yet". */
  calling: boolean;
  /** Its state when OpenSIPS was last asked, and whether that is still to be answered. */
  asked: number;
  open: boolean;
  /** A first answer to `dlg_end_dlg` is in. */
  answered: boolean;
  gone: boolean;
}

/** Dialogs that are being ended. */
export interface Release {
  readonly legs: ReleasedLeg[];
  pause: number;
}

const again = 'release-again';
const closing = 'release-closing';
const linger = 'release-linger';
const name = (callid: string) => `release ${callid}`;

/** Asks for the end of each leg; after `patience` milliseconds the client has waited long enough. */
export function release(
  legs: readonly Pick<ReleasedLeg, 'callid' | 'state' | 'calling'>[],
  patience: number,
  turn: Turn,
): Release {
  const it: Release = { legs: [], pause: AGAIN_MS };
  alsoRelease(it, legs, turn);
  turn.wait(closing, patience);
  turn.wait(linger, LINGER_MS);
  return it;
}

/** Asks for the end of more legs; those that it has already are passed over. */
export function alsoRelease(it: Release, legs: Parameters<typeof release>[0], turn: Turn): void {
  for (const leg of legs) {
    if (it.legs.some(({ callid }) => callid === leg.callid)) continue;
    const gone = leg.state === dialogState.ended;
    const released = { ...leg, asked: 0, open: false, answered: false, gone };
    it.legs.push(released);
    if (!released.gone) ask(released, turn);
  }
}

/** Has each leg answered once or gone? Then the client can be told `Ended`. */
export function isAnswered(it: Release): boolean {
  return it.legs.every((leg) => leg.gone || leg.answered);
}

/** Is there nothing left to end? */
export function isGone(it: Release): boolean {
  return it.legs.every((leg) => leg.gone);
}

/** One step; `late` when the client has waited long enough, `over` when the legs are given up. */
export function stepRelease(it: Release, input: Input, turn: Turn): 'late' | 'over' | undefined {
  switch (input.type) {
    case 'timer':
      if (input.timer === closing) return 'late';
      if (input.timer === linger) return 'over';
      if (input.timer === again) askAll(it, turn);
      return undefined;
    case 'settle':
      askAll(it, turn);
      return undefined;
    case 'event':
      if (input.event.name === 'E_DLG_STATE_CHANGED') follow(it, input.event.params, turn);
      return undefined;
    case 'reply':
      // OK says that a CANCEL went out, which an answer can cross; or that a BYE is queued for another process of OpenSIPS
      // (`dlg_end_dlg` in its dlg_req_within.c), which is lost where that dies. So the end must be seen.
      settle(it, input.to, turn);
      return undefined;
    case 'refusal':
      settle(it, input.to, turn, input.error.code === NOT_FOUND);
      return undefined;
    case 'no-answer':
      // Asking twice does no harm, so it is just asked again.
      settle(it, input.to, turn);
      return undefined;
    default:
      return undefined;
  }
}

/** The INVITE of a leg is answered: with `state` 3 it stands and must be ended, with 5 it is gone. */
export function legAnswered(it: Release, callid: string, state: number, turn: Turn): void {
  for (const leg of it.legs) {
    if (leg.callid !== callid) continue;
    leg.calling = false;
    advance(leg, state, turn);
  }
}

function follow(it: Release, params: { callid: string; new_state: number }, turn: Turn): void {
  for (const leg of it.legs) if (leg.callid === params.callid) advance(leg, params.new_state, turn);
}

function advance(leg: ReleasedLeg, state: number, turn: Turn): void {
  if (leg.gone || state <= leg.state) return;
  leg.state = state;
  if (state === dialogState.ended) leg.gone = true;
  else if (!leg.open) ask(leg, turn);
}

function settle(it: Release, to: string, turn: Turn, isUnknown = false): void {
  const leg = it.legs.find((each) => name(each.callid) === to);
  if (!leg || leg.gone) return;
  leg.answered = true;
  leg.open = false;
  leg.gone = isUnknown && !leg.calling && leg.state <= leg.asked;
  if (leg.gone) return;
  // What was asked came too early: the leg has gone on meanwhile.
  if (leg.state > leg.asked) {
    ask(leg, turn);
    return;
  }
  turn.wait(again, it.pause);
  it.pause = Math.min(it.pause * 2, AGAIN_LONGEST_MS);
}

function askAll(it: Release, turn: Turn): void {
  for (const leg of it.legs) if (!leg.gone && !leg.open) ask(leg, turn);
}

function ask(leg: ReleasedLeg, turn: Turn): void {
  leg.asked = leg.state;
  leg.open = true;
  turn.request(name(leg.callid), { method: 'dlg_end_dlg', params: { dialog_id: leg.callid } }, END_MS);
}
