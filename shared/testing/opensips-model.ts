/**
 * A model of OpenSIPS and its phones on virtual time: its replies to MI commands and its events are those of the
 * recordings in `simulator/traces`.
 * @module
 */
import type { EviEvent, Leg } from '../opensips/evi.ts';
import type { Dialog } from '../opensips/mi.ts';
import type { PhoneBehavior } from './phone-behavior.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A dialog. */
export interface ModelCall {
  readonly callid: string;
  readonly id: string;
  state: number;
  readonly from: string;
  readonly to: string;
  readonly callerContact: string;
  calleeContact: string;
  timestart: number;
  /** `call_transfer` accepts a dialog only once. */
  isTransferred: boolean;
  readonly onHold: [caller: boolean, callee: boolean];
  readonly behavior: PhoneBehavior;
  /** The Call-ID of the dialog whose transfer has made this one. */
  readonly transferredFrom?: string;
  onCancel: () => void;
}

export type MiResponse = { readonly result: unknown } | { readonly error: { code: number; message: string } };
type MiParams = Readonly<Record<string, string | number>>;

/** tm's `fr_timeout` and `fr_inv_timeout`. */
export const FR_TIMEOUT_MS = 30_000;
const FR_INV_TIMEOUT_MS = 120_000;
/** How long a dialog is listed after its end. */
const ENDED_DIALOG_TTL_MS = 3_000;
/** Dialogs that fit into one datagram. */
const MAX_LISTED_DIALOGS = 8;

const DIALOG_NOT_FOUND = { code: 404, message: 'Dialog not found' };
const notFound: MiResponse = { error: { code: 404, message: 'Requested Dialog not found' } };

export class OpenSipsModel {
  readonly calls = new Map<string, ModelCall>();
  /** The Call-IDs of transferred calls that their phone has hung up by itself. */
  readonly hungUpByPhone = new Set<string>();
  readonly #clock: VirtualClock;
  readonly #raise: (event: EviEvent) => void;
  readonly #behaviorOf: (uri: string) => PhoneBehavior;
  #callCount = 0;

  constructor(
    clock: VirtualClock,
    behaviorOf: (uri: string) => PhoneBehavior,
    raise: (event: EviEvent) => void,
  ) {
    this.#clock = clock;
    this.#behaviorOf = behaviorOf;
    this.#raise = raise;
  }

  addActiveCall(callid: string, from: string, to: string): ModelCall {
    const call = this.#addCall(callid, from, to, `${from}:5070`);
    call.calleeContact = `${to}:5080`;
    call.state = 4;
    return call;
  }

  /** Returns whether the ACK of a call has arrived. */
  isAcknowledged(callid: string): boolean {
    return this.calls.get(callid)?.state === 4;
  }

  heldLegs(callid: string): readonly Leg[] | undefined {
    const call = this.calls.get(callid);
    if (call === undefined || call.state === 5) return undefined;
    const [caller, callee] = call.onHold;
    return [...(caller ? (['caller'] as const) : []), ...(callee ? (['callee'] as const) : [])];
  }

  /** Runs an MI command, or a request within a dialog. */
  run(method: string, params: MiParams, respond: (response: MiResponse) => void): void {
    switch (method) {
      case 't_uac_dlg':
        this.#invite(params, respond);
        break;
      case 'call_transfer': {
        const destination = String(params['destination'] ?? params['transfer_callid']);
        respond(this.#transfer(String(params['callid']), destination));
        break;
      }
      case 'call_hold':
        respond(this.#hold(String(params['callid']), 'hold'));
        break;
      case 'call_unhold':
        respond(this.#hold(String(params['callid']), 'unhold'));
        break;
      case 'refer': {
        const destination = String(params['destination'] || params['replaced_callid']);
        this.#refer(String(params['callid']), destination, respond);
        break;
      }
      case 'hold':
        this.#reinvite(params, respond);
        break;
      case 'dlg_end_dlg':
        respond(this.#endDialog(String(params['dialog_id'])));
        break;
      case 'dlg_list':
        respond(this.#listDialogs(params));
        break;
      default:
        respond({ error: { code: -32601, message: 'Method not found' } });
    }
  }

  #addCall(
    callid: string,
    from: string,
    to: string,
    callerContact: string,
    transferredFrom?: string,
  ): ModelCall {
    const call: ModelCall = {
      callid,
      id: `${++this.#callCount}.${callid.length}`,
      state: 1,
      from,
      to,
      callerContact,
      calleeContact: '',
      timestart: 0,
      isTransferred: false,
      onHold: [false, false],
      behavior: this.#behaviorOf(transferredFrom === undefined ? from : to),
      ...(transferredFrom === undefined ? {} : { transferredFrom }),
      onCancel: () => {},
    };
    this.calls.set(callid, call);
    return call;
  }

  #setState(call: ModelCall, state: number, calledTag: string | null = 'tag'): void {
    const { id, callid, state: previous } = call;
    call.state = state;
    if (state === 3) call.timestart = Math.floor(this.#clock.now / 1000);
    if (state === 5) this.#clock.schedule(ENDED_DIALOG_TTL_MS, () => this.calls.delete(callid));
    this.#raise({
      name: 'E_DLG_STATE_CHANGED',
      params: { id, callid, to_tag: calledTag, old_state: previous, new_state: state },
    });
  }

  /** Plays the called phone's response to an INVITE and to a CANCEL. */
  #ring(
    call: ModelCall,
    ringsAfterMs: number | null,
    answersAfterMs: number | null,
    finalStatus: string,
    onFinalStatus: (status: string) => void,
  ) {
    const conclude = (status: string) => {
      if (call.state >= 3) return;
      if (!status.startsWith('2')) {
        this.#setState(call, 5);
        onFinalStatus(status);
        return;
      }
      this.#setState(call, 3);
      onFinalStatus(status);
      this.#clock.schedule(1, () => call.state === 3 && this.#setState(call, 4));
    };
    if (ringsAfterMs !== null)
      this.#clock.schedule(ringsAfterMs, () => call.state === 1 && this.#setState(call, 2));
    const timeoutMs = ringsAfterMs === null ? FR_TIMEOUT_MS : FR_INV_TIMEOUT_MS;
    if (answersAfterMs === null || answersAfterMs > timeoutMs)
      this.#clock.schedule(timeoutMs, () => conclude('408 Request Timeout'));
    else this.#clock.schedule(answersAfterMs, () => conclude(finalStatus));
    const statusOnCancel = call.behavior.answersOnCancel ? '200 OK' : '487 Request Terminated';
    call.onCancel = () => this.#clock.schedule(2, () => conclude(statusOnCancel));
  }

  #invite(params: MiParams, respond: (response: MiResponse) => void): void {
    const headers = String(params['headers']);
    const header = (name: string) => new RegExp(`^${name}: <?([^>\\r]*)`, 'im').exec(headers)?.[1] ?? '';
    const caller = String(params['ruri']);
    const call = this.#addCall(header('Call-Id'), caller, header('To'), 'sip:call-api@10.0.0.1');
    const { ringsAfterMs, answersAfterMs, finalStatus } = call.behavior;
    this.#ring(call, ringsAfterMs, answersAfterMs, finalStatus, (status) => {
      call.calleeContact = `${caller}:5070`;
      const answered = { RURI: call.calleeContact, Routes: [`<sip:10.0.0.1;lr;did=${call.id}>`] };
      respond({ result: { Status: status, ...(status.startsWith('2') ? answered : {}) } });
    });
  }

  /** A phone that gets a BYE before it has started its new call does not start one. */
  #transfer(callid: string, destination: string): MiResponse {
    const call = this.#activeCall(callid);
    if (!call) return { error: { code: 404, message: 'Dialog not found' } };
    if (call.isTransferred) return { error: { code: 491, message: 'Request Pending' } };
    call.isTransferred = true;
    this.#actOnRefer(call, destination);
    return { result: 'Accepted' };
  }

  /** Sends REFER within the dialog, any number of times. The reply is the phone's answer. */
  #refer(callid: string, destination: string, respond: (response: MiResponse) => void): void {
    const call = this.#activeCall(callid);
    if (call?.state !== 4) {
      respond({ error: call ? { code: 410, message: 'Dialog not ready' } : DIALOG_NOT_FOUND });
      return;
    }
    this.#clock.schedule(1, () => {
      const isAccepted = call.behavior.actsOnReferAfterMs !== null && call.state !== 5;
      const { id: dialog_id, calleeContact: contact } = call;
      respond({ result: { status: isAccepted ? '202 Accepted' : '603 Decline', dialog_id, contact } });
      if (isAccepted) this.#actOnRefer(call, destination);
    });
  }

  /** The phone places its new call, unless it rejects the REFER. */
  #actOnRefer(call: ModelCall, destination: string): void {
    const { callid } = call;
    const { actsOnReferAfterMs, hangsUp } = call.behavior;
    if (actsOnReferAfterMs === null) return;
    this.#clock.schedule(actsOnReferAfterMs, () => {
      if (call.state === 5) return;
      if (hangsUp !== 'never') this.hungUpByPhone.add(callid);
      if (hangsUp === 'before the new call') {
        this.#setState(call, 5);
        this.#clock.schedule(20, () => this.#startNewCall(call, destination));
        return;
      }
      this.#startNewCall(call, destination);
      if (hangsUp === 'after the new call started')
        this.#clock.schedule(1, () => call.state !== 5 && this.#setState(call, 5));
    });
  }

  #startNewCall(old: ModelCall, destination: string): void {
    const { behavior } = old;
    const to = behavior.stripsParameters ? destination : `${destination};osid=${old.id}`;
    const call = this.#addCall(this.#newCallid(old.callid), old.from, to, old.calleeContact, old.callid);
    if (behavior.isDestinationRejected) {
      this.#setState(call, 5, null);
      return;
    }
    // OpenSIPS cannot match a new call to a dialog that has ended, so it raises no event then.
    const isMatched = old.state !== 5;
    const raiseTransfer = (state: string, status: string) => {
      if (!isMatched) return;
      const params = { callid: old.callid, transfer_callid: call.callid, state, status };
      this.#raise({
        name: 'E_CALL_TRANSFER',
        params: { ...params, destination: state === 'notify' ? '' : `${destination};looked=up` },
      });
    };
    raiseTransfer('start', '');
    const { calleeRingsAfterMs, calleeAnswersAfterMs, calleeFinalStatus, sendsNotify } = behavior;
    if (sendsNotify && calleeRingsAfterMs !== null)
      this.#clock.schedule(calleeRingsAfterMs, () => raiseTransfer('notify', '180 Ringing'));
    this.#ring(call, calleeRingsAfterMs, calleeAnswersAfterMs, calleeFinalStatus, (status) => {
      call.calleeContact = `${destination}:5080`;
      raiseTransfer(status.startsWith('2') ? 'ok' : 'fail', status);
      if (sendsNotify) this.#clock.schedule(1, () => raiseTransfer('notify', status));
    });
  }

  /** A call that is transferred again makes another call. */
  #newCallid(oldCallid: string): string {
    let callid = `new-of-${oldCallid}`;
    while (this.calls.has(callid)) callid += '+';
    return callid;
  }

  /** Sends a re-INVITE to one phone. The reply is the phone's answer. */
  #reinvite(params: MiParams, respond: (response: MiResponse) => void): void {
    const call = this.#activeCall(String(params['callid']));
    if (call?.state !== 4) {
      respond({ error: call ? { code: 410, message: 'Dialog not ready' } : DIALOG_NOT_FOUND });
      return;
    }
    const side = params['leg'] === 'caller' ? 0 : 1;
    const outcome = call.behavior.reinviteOutcomes[side];
    const delayMs = outcome === null ? FR_TIMEOUT_MS : 1 + 150 * side;
    this.#clock.schedule(delayMs, () => {
      if (outcome === 'ok') call.onHold[side] = params['direction'] === 'hold';
      const refusal = outcome === null ? '408 Request Timeout' : '488 Not Acceptable Here';
      respond({ result: { status: outcome === 'ok' ? '200 OK' : refusal } });
    });
  }

  #hold(callid: string, action: 'hold' | 'unhold'): MiResponse {
    const call = this.#activeCall(callid);
    if (!call) return { error: { code: 404, message: 'Dialog not found' } };
    const isHold = action === 'hold';
    const changingSides = [0, 1].filter((side) => call.onHold[side] !== isHold);
    if (changingSides.length === 0) return { error: { code: 480, message: 'No such dialog legs' } };
    for (const side of changingSides) {
      const leg = side === 0 ? 'caller' : 'callee';
      const raiseHold = (state: string) =>
        call.state !== 5 && this.#raise({ name: 'E_CALL_HOLD', params: { callid, leg, action, state } });
      call.onHold[side] = isHold;
      raiseHold('start');
      const outcome = call.behavior.reinviteOutcomes[side];
      if (outcome) this.#clock.schedule(1 + 150 * side, () => raiseHold(outcome));
    }
    return { result: 'OK' };
  }

  #endDialog(callid: string): MiResponse {
    const call = this.calls.get(callid);
    if (!call || call.state === 5) return notFound;
    if (call.state === 2) call.onCancel();
    if (call.state >= 3) this.#setState(call, 5);
    return { result: 'OK' };
  }

  #listDialogs(params: MiParams): MiResponse {
    const callid = params['callid'];
    if (callid !== undefined) {
      const call = this.calls.get(String(callid));
      if (!call || call.state === 5) return { error: { code: 404, message: 'No such dialog' } };
      return { result: { Dialog: listedDialog(call) } };
    }
    const counter = Number(params['counter']);
    if (counter > MAX_LISTED_DIALOGS) return { error: { code: 500, message: 'Internal error' } };
    const index = Number(params['index']);
    return { result: { Dialogs: [...this.calls.values()].slice(index, index + counter).map(listedDialog) } };
  }

  #activeCall(callid: string): ModelCall | undefined {
    const call = this.calls.get(callid);
    return call && (call.state === 3 || call.state === 4) ? call : undefined;
  }
}

function listedDialog(call: ModelCall): Dialog {
  return {
    ID: call.id,
    state: call.state,
    timestart: call.timestart,
    callid: call.callid,
    from_uri: call.from,
    to_uri: call.to,
    caller_contact: call.callerContact,
    CALLEES: [{ callee_contact: call.calleeContact }],
  };
}
