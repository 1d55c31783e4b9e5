/** Creates the inputs that OpenSIPS, phones, timers and clients give to a command. @module */

import type { Dialog } from '../../opensips/mi.ts';
import type { Input } from '../command.ts';
import { FIRST_CALL, NEW_CALL } from './command-harness.ts';

export function miResult(request: string, result: unknown): Input {
  return { type: 'mi-result', request, result };
}

export function miError(request: string, code: number, message: string): Input {
  return { type: 'mi-error', request, error: { code, message } };
}

/** There is no reply: the request may have been run or not. */
export function noReply(request: string): Input {
  return { type: 'mi-no-reply', request, execution: 'unknown', reason: 'no reply arrived in time' };
}

export function notRun(request: string): Input {
  return { type: 'mi-no-reply', request, execution: 'not-run', reason: 'no adapter was connected' };
}

export function timer(name: string): Input {
  return { type: 'timer', timer: name };
}

export const cancel: Input = { type: 'cancel' };

/** Events may have been lost. */
export const resync: Input = { type: 'resync' };

/**
 * A state change of a dialog: 1 unconfirmed, 2 ringing, 3 answered, 4 acknowledged, 5 ended.
 * @param id of the dialog, which differs between two dialogs of one Call-ID
 * @param calledTag null if the called side has sent nothing
 */
export function dialogEvent(
  callid: string,
  from: number,
  to: number,
  id = `id-of-${callid}`,
  calledTag: string | null = 'tag',
): Input {
  const params = { id, callid, to_tag: calledTag, old_state: from, new_state: to };
  return { type: 'event', at: 0, event: { name: 'E_DLG_STATE_CHANGED', params } };
}

/** E_CALL_TRANSFER for the call FIRST_CALL. */
export function transferEvent(
  state: string,
  status = '',
  { callid = FIRST_CALL, newCallid = NEW_CALL, destination = 'sip:bob@10.0.0.7', at = 0 } = {},
): Input {
  const params = { callid, transfer_callid: newCallid, destination, state, status };
  return { type: 'event', at, event: { name: 'E_CALL_TRANSFER', params } };
}

/** E_CALL_TRANSFER for a NOTIFY of the phone. OpenSIPS leaves its destination empty. */
export function notifyEvent(status: string, newCallid = NEW_CALL): Input {
  return transferEvent('notify', status, { newCallid, destination: '' });
}

/** E_CALL_HOLD for the call FIRST_CALL. */
export function holdEvent(leg: string, state: string, action = 'hold', callid = FIRST_CALL): Input {
  return { type: 'event', at: 0, event: { name: 'E_CALL_HOLD', params: { callid, leg, action, state } } };
}

/** The INVITE's reply if the phone of the first leg has answered: its contact, and the dialog's id in the route. */
export const answeredInvite = {
  Status: '200 Answering',
  RURI: 'sip:alice@10.0.0.5:5070',
  Routes: [`<sip:10.0.0.1;lr;ftag=1;did=id-of-${FIRST_CALL}>`],
};

/** A dialog in `dlg_list`. By default its parties are not those of the tested command. */
export function listedDialog(callid: string, overrides: Partial<Dialog> = {}): Dialog {
  return {
    ID: `id-of-${callid}`,
    state: 4,
    timestart: 1_795_428_800,
    callid,
    from_uri: 'sip:someone@10.0.0.20',
    to_uri: 'sip:else@10.0.0.21',
    caller_contact: 'sip:someone@10.0.0.20:5060',
    ...overrides,
  };
}

/** A page of `dlg_list`. */
export function dialogPage(...dialogs: Dialog[]): { Dialogs: Dialog[] } {
  return { Dialogs: dialogs };
}

/** No SIP status of the new call's end has arrived. */
export const ENDED_WITHOUT_STATUS =
  'Error: transfer failed: the call to the destination has ended, and its SIP status is not known';

/** OpenSIPS refuses the new call before it rings. */
export const REFUSED_BEFORE_RINGING =
  'Error: transfer failed: OpenSIPS refused the call to the destination before it rang, or no phone responded';

/** OpenSIPS raises no event if the phone rejects the REFER, nor if the routing script rejects the destination. */
export const NOT_REACHED_ERROR =
  'Error: transfer failed: the phone did not accept it, or did not reach the destination, within 10 s';
