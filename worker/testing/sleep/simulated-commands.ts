/** Commands of clients as the calls see them: what they can be started with, and what they can report. @module */
import type { Command, Notification } from '../../../shared/runner/stored-command.ts';
import { CALLS } from './history.ts';

type Content = Omit<Notification, 'seq'>;

/** What a command does next: it reports something, or OpenSIPS replies to its request. */
export type CommandStep =
  | { readonly type: 'notify'; readonly content: Content }
  | { readonly type: 'reply'; readonly error?: { readonly code: number; readonly message: string } };

const METHODS = ['CallStart', 'CallEnd', 'CallHold', 'CallUnhold', 'CallBlindTransfer'] as const;

const notify = (event: string, data?: unknown): CommandStep => ({
  type: 'notify',
  content: data === undefined ? { event } : { event, data },
});
const fail = (code: number, status: number, reason: string): CommandStep => ({
  type: 'notify',
  content: {
    event: 'Error',
    error: { code, message: 'Failed', sip: { status, reason } },
  },
});

/** Returns a command on a call. */
export function newCommand(cmdId: string, callid: string, choice: number): Omit<Command, 'id'> {
  const method = METHODS[choice % METHODS.length] ?? 'CallEnd';
  const metadata = choice % 3 === 0 ? { metadata: { by: cmdId } } : {};
  return {
    method,
    cmdId,
    params: {
      caller: 'sip:alice@host',
      callee: 'sip:bob@host',
      leg: 'callee',
      destination: 'sip:carol@host',
      ...metadata,
    },
    subject: choice % 2 === 0 ? 'me' : 'you',
    session: 'one',
    callids: [callid],
    state: { followedCallids: [callid] },
    requestCount: 0,
    pendingRequests: {},
    timers: {},
    notifications: [],
    position: 0,
  };
}

/** Returns what a running command may do next. */
export function nextSteps({ method, notifications, callids = [] }: Command, newCall: number): CommandStep[] {
  const has = (event: string) => notifications.some((each) => each.event === event);
  const ended = notify('Ended');
  if (has('Error')) return [ended];
  const callid = `call-${newCall % CALLS}`;
  const data = { callid: callids[0] === callid ? 'call-new' : callid };
  switch (method) {
    case 'CallStart':
      return [
        notify('CallerRinging'),
        notify('CallerAnswered'),
        notify('TransferStart', data),
        notify('CalleeAnswered', data),
        fail(1, 486, 'Busy Here'),
        fail(1, 407, 'Proxy Authentication Required'),
        ended,
      ];
    case 'CallEnd':
      return [
        { type: 'reply' },
        { type: 'reply', error: { code: 404, message: 'Requested Dialog not found' } },
        fail(1, 500, 'Internal Error'),
        ended,
      ];
    case 'CallBlindTransfer':
      return [
        notify('TransferStart', data),
        notify('TransferSuccessful', data),
        fail(1, 603, 'Decline'),
        ended,
      ];
    default: {
      const event = method === 'CallHold' ? 'CallHoldSuccessful' : 'CallUnholdSuccessful';
      return [
        notify(event, { leg: 'caller' }),
        notify(event, { leg: 'callee' }),
        fail(-32001, 480, 'Held'),
        ended,
      ];
    }
  }
}
