/** Describes the updates of commands and the changes of calls for people. @module */
import type { Call } from '../../shared/calls/call.ts';
import type { CommandMethod } from '../../shared/protocol/rpc/commands.ts';
import { adviceFor, errorText } from '../exit.ts';
import type { CommandUpdate, WatchEvent } from '../transport/transport.ts';
import { sentences } from './sentence.ts';
import { text } from './table.ts';

/** The look of a line on a terminal. */
export type Tone = 'plain' | 'good' | 'bad' | 'faint';

export interface Label {
  readonly text: string;
  readonly tone: Tone;
}

/** Returns the label of one update of a command. */
export function stepLabel(method: CommandMethod, { event, data, error }: CommandUpdate): Label {
  const label = (sentence: string, tone: Tone = 'plain'): Label => ({ text: sentence, tone });
  const fields = typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {};
  const field = (name: string) => text(fields[name]);
  switch (event) {
    case 'Started':
      return label(`${method} has started`, 'faint');
    case 'CallerRinging':
      return label(`${field('caller')} is ringing`);
    case 'CallerAnswered':
      return label(`${field('caller')} has answered`, 'good');
    case 'Transferring':
      return label(
        fields['destination'] === undefined
          ? 'Connecting the caller and the callee'
          : `Transferring to ${field('destination')}`,
      );
    case 'TransferStart':
      return label(`Calling ${text(fields['callee'] ?? fields['destination'])}`);
    case 'TransferPending':
      return label(`The phone reports ${field('extra')}`, 'faint');
    case 'CalleeAnswered':
      return label(`${field('callee')} has answered: the call is ${field('callid')}`, 'good');
    case 'TransferSuccessful':
      return label(`${field('destination')} has answered: the call is ${field('callid')}`, 'good');
    case 'CallHolding':
    case 'CallUnholding':
      return label('Asking the phones', 'faint');
    case 'CallHoldStart':
    case 'CallUnholdStart':
      return label(`Asking the ${field('leg')}'s phone`, 'faint');
    case 'CallHoldSuccessful':
      return label(`The ${field('leg')} is on hold`, 'good');
    case 'CallUnholdSuccessful':
      return label(`The ${field('leg')} is no longer on hold`, 'good');
    case 'CallHoldFailed':
    case 'CallUnholdFailed':
      return label(`The ${field('leg')}'s phone has refused`, 'bad');
    case 'Reply':
      return label(text(fields), 'good');
    case 'Ended':
      return label('Done', 'faint');
    case 'Error':
    case 'Refused':
    case 'Lost':
      return label(failureText({ event, data, ...(error ? { error } : {}) }), 'bad');
    default:
      // A newer edge may send other events. They are shown unchanged.
      return label(data === undefined ? event : `${event} ${text(data)}`);
  }
}

/** Returns why a command failed, and what to do about it. */
export function failureText({ data, error }: CommandUpdate): string {
  const sentence = typeof data === 'string' ? data : error ? errorText(error) : 'The command has failed';
  return text(sentences(sentence, adviceFor(error?.code ?? 0)));
}

/** Returns the label of one change that a watch reports. */
export function changeLabel(change: Exclude<WatchEvent, { type: 'calls' }>): Label {
  if (change.type === 'link') {
    return change.event === 'Up'
      ? { text: 'The adapter is connected', tone: 'good' }
      : { text: 'No adapter is connected, so OpenSIPS cannot be reached', tone: 'bad' };
  }
  const { event, call, data } = change;
  const details =
    event === 'Ended' ? endText(call) : data === undefined ? '' : text(Object.values(data as object));
  const tone: Tone = event === 'Ended' ? 'faint' : event === 'Answered' ? 'good' : 'plain';
  const parties = `${text(call.caller)} → ${text(call.callee)}`;
  const line = `${event.padEnd(12)}  ${text(call.callid)}  ${parties}${details === '' ? '' : `  ${text(details)}`}`;
  return { text: line, tone };
}

/** Returns calls as rows of a table. */
export function callRows(calls: readonly Call[], now: number): Record<string, string>[] {
  return calls.map((call) => ({
    callid: call.callid,
    state: call.state,
    caller: text(call.caller),
    callee: text(call.callee),
    for: formatDuration((call.ended ?? now) - call.began),
    end: endText(call),
  }));
}

/** Returns why and by whom a call was ended; empty if it has not ended. */
function endText({ reason = '', ended_by: by }: Call): string {
  return by === undefined || by === 'unknown' ? reason : `${reason} (by ${ENDERS[by]})`;
}

const ENDERS = { api: 'the API', opensips: 'OpenSIPS', caller: 'the caller', callee: 'the callee' } as const;

/** Returns milliseconds as `1:02:03` or `2:03`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const twoDigits = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${twoDigits(m)}:${twoDigits(s)}` : `${m}:${twoDigits(s)}`;
}
