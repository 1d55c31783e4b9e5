/** What became of a command, step by step, from what was told of it. Pure. @module */
import { type Fields, isFields, type Notice } from '../../frames.ts';
import { nameOf } from './address.ts';

export type Command =
  | 'CallStart'
  | 'CallEnd'
  | 'CallHold'
  | 'CallUnhold'
  | 'CallBlindTransfer'
  | 'CallAttendedTransfer';

/** A command of this page. */
export interface Activity {
  readonly cmdId: string;
  readonly method: Command;
  readonly params: Fields;
  /** What was told, with when it was heard, in Unix milliseconds. */
  readonly told: readonly (Notice & { readonly at: number })[];
}

export interface Step {
  readonly text: string;
  readonly is: 'done' | 'now' | 'ahead' | 'failed';
  /** When it was reached; absent where only later steps tell that it was. */
  readonly at?: number;
}

/** The same with one notice more. */
export function told(activity: Activity, notice: Notice, at: number): Activity {
  return { ...activity, told: [...activity.told, { ...notice, at }] };
}

export function isOver({ told }: Activity): boolean {
  const last = told.at(-1)?.event;
  return last === 'Ended' || last === 'Refused' || last === 'Lost';
}

/** Why it failed, in a sentence; undefined where it has not. */
export function failureOf({ told }: Activity): string | undefined {
  const failed = told.find(({ event }) => ['Error', 'Refused', 'Lost'].includes(event));
  if (!failed) return undefined;
  if (failed.event === 'Lost') return 'The connection was lost for too long: it may have been done or not.';
  if (failed.event === 'Error') return sentence(failed.data ?? failed.error?.message);
  return sentence(
    isFields(failed.error?.data)
      ? failed.error.data['reason']
      : (failed.error?.data ?? failed.error?.message),
  );
}

/** The Call-ID that a command has brought forth. */
export function callidOf({ told }: Activity): string | undefined {
  for (const { data } of told) {
    if (isFields(data) && typeof data['callid'] === 'string') return data['callid'];
  }
  return undefined;
}

/** The steps of a command; those ahead too. */
export function stepsOf(activity: Activity): Step[] {
  const { told, params } = activity;
  const plan = planOf(activity.method, params);
  const at = plan.map(({ events }) => told.find(({ event }) => events.includes(event))?.at);
  const reached = at.findLastIndex((when) => when !== undefined);
  const failure = failureOf(activity);
  const isDone = isOver(activity) && failure === undefined;
  return plan.map(({ text }, n) => {
    const when = at[n];
    const known = when === undefined ? {} : { at: when };
    if (n <= reached || isDone) return { text, is: 'done', ...known };
    if (n > reached + 1) return { text, is: 'ahead' };
    return { text, is: failure === undefined ? 'now' : 'failed' };
  });
}

interface Planned {
  readonly text: string;
  /** Any of these says that it is reached. */
  readonly events: readonly string[];
}

function planOf(method: Command, params: Fields): Planned[] {
  const caller = nameOf(String(params['caller'] ?? ''));
  const callee = nameOf(String(params['callee'] ?? ''));
  const asked = { text: 'Requested', events: ['Started'] };
  switch (method) {
    case 'CallStart':
      return [
        asked,
        { text: `${caller}’s phone rings`, events: ['CallerRinging'] },
        { text: `${caller} answers`, events: ['CallerAnswered'] },
        { text: `${caller}’s phone calls ${callee}`, events: ['TransferStart'] },
        { text: `${callee} answers`, events: ['CalleeAnswered'] },
      ];
    case 'CallHold':
      return [
        { text: 'Putting on hold', events: ['CallHoldStart', 'CallHoldSuccessful'] },
        { text: 'On hold', events: ['CallHoldSuccessful'] },
      ];
    case 'CallUnhold':
      return [
        { text: 'Resuming', events: ['CallUnholdStart', 'CallUnholdSuccessful'] },
        { text: 'Resumed', events: ['CallUnholdSuccessful'] },
      ];
    case 'CallBlindTransfer':
    case 'CallAttendedTransfer':
      return [
        asked,
        { text: 'The phone takes the transfer', events: ['TransferStart'] },
        { text: 'The new party answers', events: ['TransferSuccessful'] },
      ];
    case 'CallEnd':
      return [asked, { text: 'The call has ended', events: [] }];
  }
}

/** What it is about, in a few words. */
export const TITLES: Readonly<Record<Command, string>> = {
  CallStart: 'Dial',
  CallEnd: 'End',
  CallHold: 'Hold',
  CallUnhold: 'Resume',
  CallBlindTransfer: 'Blind transfer',
  CallAttendedTransfer: 'Attended transfer',
};

function sentence(data: unknown): string {
  const text = typeof data === 'string' && data !== '' ? data : 'It was refused, and nothing more was said';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;
}
