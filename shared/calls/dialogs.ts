/**
 * The dialogs of a call. A call is identified by its Call-ID, but several dialogs can have the same one: a caller's phone that
 * follows a 302, 401 or 407 sends a new INVITE with the Call-ID of the first (README of the simulator: `callee-followed`). Only
 * their ids tell them apart. A call has ended when none of its dialogs stands.
 * @module
 */
import { dialogState } from '../opensips/evi.ts';

/** A dialog: its id, and the highest state that is known of it (see {@link dialogState}). */
export type KnownDialog = readonly [id: string, state: number];

/** Dialogs that are remembered for a call: a phone that authenticates and is redirected a few times needs fewer. */
const MAX_DIALOGS = 8;

/**
 * Returns the dialogs after one of them was seen in a state; the same array if that is nothing new. States only rise, because
 * events can be duplicated and reordered: a dialog that has ended stays ended.
 */
export function withDialog(
  dialogs: readonly KnownDialog[],
  id: string,
  state: number,
): readonly KnownDialog[] {
  const known = dialogs.find(([each]) => each === id);
  if (known && known[1] >= state) return dialogs;
  if (known) return dialogs.map((dialog) => (dialog === known ? [id, state] : dialog));
  const others = [...dialogs];
  if (others.length >= MAX_DIALOGS) {
    const firstEnded = others.findIndex((dialog) => !stands(dialog));
    others.splice(Math.max(0, firstEnded), 1);
  }
  return [...others, [id, state]];
}

/** Returns the dialogs after the newest one that stands was seen in a state, by something that does not tell its id. */
export function withNewestIn(dialogs: readonly KnownDialog[], state: number): readonly KnownDialog[] {
  const newest = dialogs.findLast(stands);
  return newest ? withDialog(dialogs, newest[0], state) : dialogs;
}

/** Returns the dialogs after all that were not answered have ended. */
export function withUnansweredEnded(dialogs: readonly KnownDialog[]): readonly KnownDialog[] {
  return dialogs.map(([id, state]) => [id, state < dialogState.answered ? dialogState.ended : state]);
}

/** Returns the highest state of the dialogs that stand; undefined if none does. */
export function standingState(dialogs: readonly KnownDialog[]): number | undefined {
  const states = dialogs.filter(stands).map(([, state]) => state);
  return states.length === 0 ? undefined : Math.max(...states);
}

/** Returns whether dialogs are the same and the same of them are answered or have ended, so that nothing else follows from them. */
export function areAlike(one: readonly KnownDialog[], other: readonly KnownDialog[]): boolean {
  if (one.length !== other.length) return false;
  return one.every(([id, state], index) => {
    const [otherId, otherState] = other[index] ?? [];
    return id === otherId && phaseOf(state) === phaseOf(otherState ?? 0);
  });
}

/** Returns whether a dialog is known and stands. */
export function isStanding(dialogs: readonly KnownDialog[], id: string): boolean {
  return dialogs.some((dialog) => dialog[0] === id && stands(dialog));
}

/** Returns whether dialogs are known, and all of them have ended. */
export function haveAllEnded(dialogs: readonly KnownDialog[]): boolean {
  return dialogs.length > 0 && standingState(dialogs) === undefined;
}

function phaseOf(state: number): number {
  if (state === dialogState.acknowledged) return dialogState.answered;
  return state < dialogState.answered ? dialogState.ringing : state;
}

function stands([, state]: KnownDialog): boolean {
  return state < dialogState.ended;
}
