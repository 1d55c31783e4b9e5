/** What is told of commands and calls, in words for people. Pure. @module */
import type { Call } from '../shared/calls.ts';
import type { Method } from '../shared/methods.ts';
import { adviceFor, sentenceOf } from './exit.ts';
import type { News, Notice } from './line.ts';
import { text } from './table.ts';

/** How a line looks on a terminal. */
export type Tone = 'plain' | 'good' | 'bad' | 'faint';

export interface Words {
  readonly text: string;
  readonly tone: Tone;
}

type Data = Readonly<Record<string, unknown>>;

/** One step of a command. */
export function wordsOf(method: Method, { event, data, error }: Notice): Words {
  const say = (sentence: string, tone: Tone = 'plain'): Words => ({ text: sentence, tone });
  const fields: Data = typeof data === 'object' && data !== null ? (data as Data) : {};
  const of = (name: string) => text(fields[name]);
  switch (event) {
    case 'Started':
      return say(`${method} has begun`, 'faint');
    case 'CallerRinging':
      return say(`${of('caller')} is ringing`);
    case 'CallerAnswered':
      return say(`${of('caller')} has answered`, 'good');
    case 'Transferring':
      return say(
        fields['destination'] === undefined ? 'connecting the two' : `sending it to ${of('destination')}`,
      );
    case 'TransferStart':
      return say(`calling ${text(fields['callee'] ?? fields['destination'])}`);
    case 'TransferPending':
      return say(`the phone says ${of('extra')}`, 'faint');
    case 'CalleeAnswered':
      return say(`${of('callee')} has answered: the call is ${of('callid')}`, 'good');
    case 'TransferSuccessful':
      return say(`${of('destination')} has answered: the call is ${of('callid')}`, 'good');
    case 'CallHolding':
    case 'CallUnholding':
      return say('asking the phones', 'faint');
    case 'CallHoldStart':
    case 'CallUnholdStart':
      return say(`asking the ${of('leg')}'s phone`, 'faint');
    case 'CallHoldSuccessful':
      return say(`the ${of('leg')} is on hold`, 'good');
    case 'CallUnholdSuccessful':
      return say(`the ${of('leg')} is no longer on hold`, 'good');
    case 'CallHoldFailed':
    case 'CallUnholdFailed':
      return say(`the ${of('leg')}'s phone refuses`, 'bad');
    case 'Reply':
      return say(text(fields), 'good');
    case 'Ended':
      return say('done', 'faint');
    case 'Error':
    case 'Refused':
    case 'Lost':
      return say(failureIn({ event, data, ...(error ? { error } : {}) }), 'bad');
    default:
      // An edge newer than this says more: it is shown as it came.
      return say(data === undefined ? event : `${event} ${text(data)}`);
  }
}

/** Why a command failed, and what to do. */
export function failureIn({ data, error }: Notice): string {
  const sentence = typeof data === 'string' ? data : error ? sentenceOf(error) : 'it failed';
  const advice = adviceFor(error?.code ?? 0);
  return text(advice === '' ? sentence : `${sentence}: ${advice}`);
}

/** What watchers are told, on one line. */
export function newsLine(news: Exclude<News, { is: 'calls' }>): Words {
  if (news.is === 'link') {
    return news.event === 'Up'
      ? { text: 'the adapter is connected', tone: 'good' }
      : { text: 'no adapter is connected: OpenSIPS is out of reach', tone: 'bad' };
  }
  const { event, call, data } = news;
  const more =
    event === 'Ended' ? (call.reason ?? '') : data === undefined ? '' : text(Object.values(data as object));
  const tone: Tone = event === 'Ended' ? 'faint' : event === 'Answered' ? 'good' : 'plain';
  const line = `${event.padEnd(12)}  ${text(call.callid)}  ${between(call)}${more === '' ? '' : `  ${text(more)}`}`;
  return { text: line, tone };
}

function between({ caller, callee }: Call): string {
  return `${text(caller)} → ${text(callee)}`;
}

/** Calls as rows of a table. */
export function rowsOf(calls: readonly Call[], now: number): Record<string, string>[] {
  return calls.map(({ callid, state, caller, callee, began, ended }) => ({
    callid,
    state,
    caller: text(caller),
    callee: text(callee),
    for: lasting((ended ?? now) - began),
  }));
}

/** `1:02:03`, of milliseconds. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
