/**
 * A model of OpenSIPS with its phones on virtual time, as the recordings in `simulator/traces` show it: what it answers
 * to each MI command, and which events it raises.
 * @module
 */
import type { EviEvent } from '../evi.ts';
import type { Dialog } from '../mi.ts';
import type { Clock } from './clock.ts';

/** How the phones of a call behave. Times in milliseconds; `null` is never. */
export interface Manners {
  /** The first leg: until it rings, until it answers, and what. */
  readonly rings: number | null;
  readonly answers: number | null;
  readonly status: string;
  /** It picks up just as the CANCEL comes. */
  readonly crosses: boolean;
  /** Until it takes the REFER; a phone that refuses it raises nothing. */
  readonly takes: number | null;
  /** When it hangs up the call that it is sent away from. */
  readonly leaves: 'never' | 'before the new call' | 'after the new call began';
  /** It strips parameters from To, `osid` with them. */
  readonly bare: boolean;
  /** It tells its progress in NOTIFYs. */
  readonly tells: boolean;
  /** The script itself refuses the destination: no event is raised. */
  readonly barred: boolean;
  /** The destination: until it rings, until it answers, and what. */
  readonly calleeRings: number | null;
  readonly calleeAnswers: number | null;
  readonly calleeStatus: string;
  /** What the caller and the callee say to a re-INVITE, if anything. */
  readonly reinvite: readonly ['ok' | 'fail' | null, 'ok' | 'fail' | null];
}

/** A dialog. */
export interface Call {
  readonly callid: string;
  readonly id: string;
  state: number;
  readonly from: string;
  readonly to: string;
  readonly callerContact: string;
  calleeContact: string;
  timestart: number;
  /** `call_transfer` takes a dialog once. */
  spent: boolean;
  readonly held: [caller: boolean, callee: boolean];
  readonly manners: Manners;
  /** The dialog whose transfer made it. */
  readonly successorOf?: string;
  /** What a CANCEL leads to. */
  cancel: () => void;
}

export type Answer = { readonly result: unknown } | { readonly error: { code: number; message: string } };
type Params = Readonly<Record<string, string | number>>;

/** tm's `fr_timeout` and `fr_inv_timeout`. */
const NO_REPLY_MS = 30_000;
const NO_ANSWER_MS = 120_000;
/** A dialog that has ended is listed for so long. */
const LISTED_MS = 3_000;
/** Dialogs that fit into one datagram. */
const FIT = 8;

const notFound: Answer = { error: { code: 404, message: 'Requested Dialog not found' } };

export class OpenSips {
  readonly calls = new Map<string, Call>();
  /** Calls that a phone hung up by itself, because it was sent away. */
  readonly left = new Set<string>();
  readonly #clock: Clock;
  readonly #raise: (event: EviEvent) => void;
  readonly #mannersOf: (uri: string) => Manners;
  #made = 0;

  constructor(clock: Clock, mannersOf: (uri: string) => Manners, raise: (event: EviEvent) => void) {
    this.#clock = clock;
    this.#mannersOf = mannersOf;
    this.#raise = raise;
  }

  /** A call that stands. */
  standing(callid: string, from: string, to: string): Call {
    const call = this.#make(callid, from, to, `${from}:5070`);
    call.calleeContact = `${to}:5080`;
    call.state = 4;
    return call;
  }

  /** Runs an MI command. */
  run(method: string, params: Params, answer: (answer: Answer) => void): void {
    switch (method) {
      case 't_uac_dlg':
        this.#invite(params, answer);
        break;
      case 'call_transfer':
        answer(
          this.#transfer(
            String(params['callid']),
            String(params['destination'] ?? params['transfer_callid']),
          ),
        );
        break;
      case 'call_hold':
        answer(this.#hold(String(params['callid']), 'hold'));
        break;
      case 'call_unhold':
        answer(this.#hold(String(params['callid']), 'unhold'));
        break;
      case 'dlg_end_dlg':
        answer(this.#end(String(params['dialog_id'])));
        break;
      case 'dlg_list':
        answer(this.#list(params));
        break;
      default:
        answer({ error: { code: -32601, message: 'Method not found' } });
    }
  }

  #make(callid: string, from: string, to: string, callerContact: string, successorOf?: string): Call {
    const call: Call = {
      callid,
      id: `${++this.#made}.${callid.length}`,
      state: 1,
      from,
      to,
      callerContact,
      calleeContact: '',
      timestart: 0,
      spent: false,
      held: [false, false],
      manners: this.#mannersOf(successorOf === undefined ? from : to),
      ...(successorOf === undefined ? {} : { successorOf }),
      cancel: () => {},
    };
    this.calls.set(callid, call);
    return call;
  }

  #become(call: Call, state: number): void {
    const { id, callid, state: before } = call;
    call.state = state;
    if (state === 3) call.timestart = Math.floor(this.#clock.now / 1000);
    if (state === 5) this.#clock.in(LISTED_MS, () => this.calls.delete(callid));
    this.#raise({
      name: 'E_DLG_STATE_CHANGED',
      params: { id, callid, old_state: before, new_state: state },
    });
  }

  /** The other phone's answer to an INVITE, and what comes of a CANCEL. */
  #ring(
    call: Call,
    rings: number | null,
    answers: number | null,
    status: string,
    done: (status: string) => void,
  ) {
    const conclude = (final: string) => {
      if (call.state >= 3) return;
      if (!final.startsWith('2')) {
        this.#become(call, 5);
        done(final);
        return;
      }
      this.#become(call, 3);
      done(final);
      this.#clock.in(1, () => call.state === 3 && this.#become(call, 4));
    };
    if (rings !== null) this.#clock.in(rings, () => call.state === 1 && this.#become(call, 2));
    const limit = rings === null ? NO_REPLY_MS : NO_ANSWER_MS;
    if (answers === null || answers > limit) this.#clock.in(limit, () => conclude('408 Request Timeout'));
    else this.#clock.in(answers, () => conclude(status));
    call.cancel = () =>
      this.#clock.in(2, () => conclude(call.manners.crosses ? '200 OK' : '487 Request Terminated'));
  }

  #invite(params: Params, answer: (answer: Answer) => void): void {
    const headers = String(params['headers']);
    const header = (name: string) => new RegExp(`^${name}: <?([^>\\r]*)`, 'im').exec(headers)?.[1] ?? '';
    const caller = String(params['ruri']);
    const call = this.#make(header('Call-Id'), caller, header('To'), 'sip:call-api@10.0.0.1');
    const { rings, answers, status } = call.manners;
    this.#ring(call, rings, answers, status, (final) => {
      call.calleeContact = `${caller}:5070`;
      const answered = { RURI: call.calleeContact, Routes: [`<sip:10.0.0.1;lr;did=${call.id}>`] };
      answer({ result: { Status: final, ...(final.startsWith('2') ? answered : {}) } });
    });
  }

  /** A phone that is told BYE before it has made its new call makes none. */
  #transfer(callid: string, destination: string): Answer {
    const call = this.#standingCall(callid);
    if (!call) return { error: { code: 404, message: 'Dialog not found' } };
    if (call.spent) return { error: { code: 491, message: 'Request Pending' } };
    call.spent = true;
    const { takes, leaves } = call.manners;
    if (takes === null) return { result: 'Accepted' };
    this.#clock.in(takes, () => {
      if (call.state === 5) return;
      if (leaves !== 'never') this.left.add(callid);
      if (leaves === 'before the new call') {
        this.#become(call, 5);
        this.#clock.in(20, () => this.#newCall(call, destination));
        return;
      }
      this.#newCall(call, destination);
      if (leaves === 'after the new call began')
        this.#clock.in(1, () => call.state !== 5 && this.#become(call, 5));
    });
    return { result: 'Accepted' };
  }

  #newCall(old: Call, destination: string): void {
    const { bare, tells, barred, calleeRings, calleeAnswers, calleeStatus } = old.manners;
    const to = bare ? destination : `${destination};osid=${old.id}`;
    const call = this.#make(`new-of-${old.callid}`, old.from, to, old.calleeContact, old.callid);
    if (barred) {
      this.#become(call, 5);
      return;
    }
    // OpenSIPS cannot match a new call to a dialog that is gone: it raises nothing then.
    const matched = old.state !== 5;
    const raise = (state: string, status: string) => {
      if (!matched) return;
      const params = { callid: old.callid, transfer_callid: call.callid, state, status };
      this.#raise({
        name: 'E_CALL_TRANSFER',
        params: { ...params, destination: state === 'notify' ? '' : `${destination};looked=up` },
      });
    };
    raise('start', '');
    if (tells && calleeRings !== null) this.#clock.in(calleeRings, () => raise('notify', '180 Ringing'));
    this.#ring(call, calleeRings, calleeAnswers, calleeStatus, (final) => {
      call.calleeContact = `${destination}:5080`;
      raise(final.startsWith('2') ? 'ok' : 'fail', final);
      if (tells) this.#clock.in(1, () => raise('notify', final));
    });
  }

  #hold(callid: string, action: 'hold' | 'unhold'): Answer {
    const call = this.#standingCall(callid);
    if (!call) return { error: { code: 404, message: 'Dialog not found' } };
    const want = action === 'hold';
    const changing = [0, 1].filter((side) => call.held[side] !== want);
    if (changing.length === 0) return { error: { code: 480, message: 'No such dialog legs' } };
    for (const side of changing) {
      const leg = side === 0 ? 'caller' : 'callee';
      const raise = (state: string) =>
        call.state !== 5 && this.#raise({ name: 'E_CALL_HOLD', params: { callid, leg, action, state } });
      call.held[side] = want;
      raise('start');
      const says = call.manners.reinvite[side];
      if (says) this.#clock.in(1 + 150 * side, () => raise(says));
    }
    return { result: 'OK' };
  }

  #end(callid: string): Answer {
    const call = this.calls.get(callid);
    if (!call || call.state === 5) return notFound;
    if (call.state === 2) call.cancel();
    if (call.state >= 3) this.#become(call, 5);
    return { result: 'OK' };
  }

  #list(params: Params): Answer {
    const callid = params['callid'];
    if (callid !== undefined) {
      const call = this.calls.get(String(callid));
      if (!call || call.state === 5) return { error: { code: 404, message: 'No such dialog' } };
      return { result: { Dialog: shown(call) } };
    }
    const counter = Number(params['counter']);
    if (counter > FIT) return { error: { code: 500, message: 'Internal error' } };
    const index = Number(params['index']);
    return { result: { Dialogs: [...this.calls.values()].slice(index, index + counter).map(shown) } };
  }

  #standingCall(callid: string): Call | undefined {
    const call = this.calls.get(callid);
    return call && (call.state === 3 || call.state === 4) ? call : undefined;
  }
}

function shown(call: Call): Dialog {
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
