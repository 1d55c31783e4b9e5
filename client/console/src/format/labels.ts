/** The labels of call states and call events. Pure. @module */
import type { Call } from '../../../connection/call.ts';
import { isJsonObject } from '../../../connection/messages.ts';
import { displayName } from './sip-address.ts';

export const STATE_LABELS: Readonly<Record<Call['state'], string>> = {
  ringing: 'Ringing',
  answered: 'Answered',
  held: 'On hold',
  transferring: 'Transferring',
  ended: 'Ended',
};

const EVENT_LABELS: Readonly<Record<string, string>> = {
  Ringing: 'Ringing',
  Answered: 'Answered',
  Held: 'Put on hold',
  Resumed: 'Resumed',
  Transferring: 'Transferring',
  Transferred: 'Transferred',
  Ended: 'Ended',
};

/** An entry of the timeline that `CallGet` returns. */
export interface TimelineEntry {
  readonly seq: number;
  readonly at: number;
  readonly event: string;
  readonly data?: unknown;
}

type Parties = Pick<Call, 'caller' | 'callee'>;

/** Returns the entries with their text. Omits an entry that has the same text as the one before it. */
export function timelineLines(
  entries: readonly TimelineEntry[],
  parties: Parties,
): readonly (TimelineEntry & { readonly text: string })[] {
  const lines = entries.map((entry) => ({ ...entry, text: textOf(entry, parties) }));
  return lines.filter(({ text }, index) => text !== lines[index - 1]?.text);
}

/** An event that this page does not know is shown by its name. */
function textOf({ event, data }: TimelineEntry, parties: Parties): string {
  const label = EVENT_LABELS[event] ?? event;
  if (!isJsonObject(data)) return label;
  const { leg, transfer } = data;
  if (leg === 'caller' || leg === 'callee') return `${label}: ${displayName(parties[leg])}`;
  return typeof transfer === 'string' && transfer !== '' ? `${label}: transfer failed (${transfer})` : label;
}

/** Returns who ended a call; empty if it has not ended, or if nobody knows. */
export function endedByLabel({ ended_by: by, caller, callee }: Call): string {
  if (by === 'caller' || by === 'callee') return displayName(by === 'caller' ? caller : callee);
  return by === 'api' ? 'The API' : by === 'opensips' ? 'OpenSIPS' : '';
}

/** Returns the names of the parties on hold; empty if there are none or they are not known. */
export function heldParties({ held, caller, callee }: Call): string {
  const names = (held ?? []).map((leg) => displayName(leg === 'caller' ? caller : callee));
  return names.join(' and ');
}
