/** What states and events are called on the page. Pure. @module */
import { isFields } from '../../frames.ts';
import type { Call } from '../../watching.ts';
import { nameOf } from './address.ts';

export const STATES: Readonly<Record<Call['state'], string>> = {
  ringing: 'Ringing',
  answered: 'Talking',
  held: 'On hold',
  transferring: 'Transferring',
  ended: 'Ended',
};

const EVENTS: Readonly<Record<string, string>> = {
  Ringing: 'Ringing',
  Answered: 'Answered',
  Held: 'Put on hold',
  Resumed: 'Resumed',
  Transferring: 'Transfer under way',
  Transferred: 'Transferred',
  Ended: 'Ended',
};

/** One line of a call's history, as `CallGet` has it. */
export interface Entry {
  readonly seq: number;
  readonly at: number;
  readonly event: string;
  readonly data?: unknown;
}

/** A history as it is read: what says the same again, because more has become known, stands there once. */
export function history(
  entries: readonly Entry[],
  parties: Pick<Call, 'caller' | 'callee'>,
): readonly (Entry & { readonly text: string })[] {
  const read = entries.map((entry) => ({ ...entry, text: entryText(entry, parties) }));
  return read.filter(({ text }, n) => text !== read[n - 1]?.text);
}

/** An event that this page does not know yet is shown by its name. */
function entryText({ event, data }: Entry, parties: Pick<Call, 'caller' | 'callee'>): string {
  const text = EVENTS[event] ?? event;
  if (!isFields(data)) return text;
  const { leg, transfer } = data;
  if (leg === 'caller' || leg === 'callee') return `${text}: ${nameOf(parties[leg])}`;
  return typeof transfer === 'string' && transfer !== ''
    ? `${text}: the transfer ended with ${transfer}`
    : text;
}

/** Who has been put on hold; empty where nobody has, or where it is not said. */
export function heldText({ held, caller, callee }: Call): string {
  const names = (held ?? []).map((leg) => nameOf(leg === 'caller' ? caller : callee));
  return names.join(' and ');
}
