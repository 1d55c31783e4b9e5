/** Inputs as OpenSIPS, phones, clocks and clients bring them. @module */
import type { Input } from '../../command.ts';
import type { Dialog } from '../../mi.ts';
import { FIRST, NEW } from './stage.ts';

export function reply(to: string, result: unknown): Input {
  return { type: 'reply', to, result };
}

export function refusal(to: string, code: number, message: string): Input {
  return { type: 'refusal', to, error: { code, message } };
}

/** The request may have run or not. */
export function unknown(to: string): Input {
  return { type: 'no-answer', to, fate: 'unknown', why: 'no answer in time' };
}

export function notRun(to: string): Input {
  return { type: 'no-answer', to, fate: 'not-run', why: 'no adapter was connected' };
}

export function timer(name: string): Input {
  return { type: 'timer', timer: name };
}

export const cancel: Input = { type: 'cancel' };

/** Events may have been missed. */
export const settle: Input = { type: 'settle' };

/** A dialog went from one state to another: 1 unconfirmed, 2 ringing, 3 answered, 4 acknowledged, 5 ended. */
export function dialog(callid: string, from: number, to: number): Input {
  const params = { id: `id-of-${callid}`, callid, old_state: from, new_state: to };
  return { type: 'event', at: 0, event: { name: 'E_DLG_STATE_CHANGED', params } };
}

/** What E_CALL_TRANSFER says of the call FIRST. */
export function transfer(
  state: string,
  status = '',
  { callid = FIRST, newCallid = NEW, destination = 'sip:bob@10.0.0.7' } = {},
): Input {
  const params = { callid, transfer_callid: newCallid, destination, state, status };
  return { type: 'event', at: 0, event: { name: 'E_CALL_TRANSFER', params } };
}

/** The phone's own progress in a NOTIFY: OpenSIPS leaves the destination empty then. */
export function notify(status: string, newCallid = NEW): Input {
  return transfer('notify', status, { newCallid, destination: '' });
}

/** What E_CALL_HOLD says of the call FIRST. */
export function hold(leg: string, state: string, action = 'hold', callid = FIRST): Input {
  return { type: 'event', at: 0, event: { name: 'E_CALL_HOLD', params: { callid, leg, action, state } } };
}

/** The phone of a first leg has answered: its contact, and the dialog's id in the route that it set. */
export const answer = {
  Status: '200 Answering',
  RURI: 'sip:alice@10.0.0.5:5070',
  Routes: [`<sip:10.0.0.1;lr;ftag=1;did=id-of-${FIRST}>`],
};

/** A dialog as `dlg_list` shows it; as it stands it is somebody else's. */
export function shown(callid: string, differs: Partial<Dialog> = {}): Dialog {
  return {
    ID: `id-of-${callid}`,
    state: 4,
    timestart: 1_795_428_800,
    callid,
    from_uri: 'sip:someone@10.0.0.20',
    to_uri: 'sip:else@10.0.0.21',
    caller_contact: 'sip:someone@10.0.0.20:5060',
    ...differs,
  };
}

/** A page of `dlg_list`. */
export function page(...dialogs: Dialog[]): { Dialogs: Dialog[] } {
  return { Dialogs: dialogs };
}

/** OpenSIPS tells neither of a phone that refuses the REFER nor of a destination that its script refuses. */
export const notReached =
  'Error: transfer failed: the phone did not take it, or its destination was not reached, within 10 s';
