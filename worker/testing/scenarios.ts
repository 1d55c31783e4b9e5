/** What OpenSIPS does in recorded situations, as replies of a {@link ScriptedAdapter}. @module */
import type { EviEvent } from '../../shared/opensips/evi.ts';
import type { MiRequest } from '../../shared/protocol/link.ts';
import type { Scenario, ScriptedReply } from './adapter.ts';

/** The id of a dialog is short, however long its Call-ID is. */
export const dialogIdOf = (callid: string) => `id.${callid.slice(0, 100)}`;

/** Returns the event of a dialog that changes its state. By default, it is the only one with its Call-ID. */
export function dialogEvent(callid: string, from: number, to: number, id = dialogIdOf(callid)): EviEvent {
  return { name: 'E_DLG_STATE_CHANGED', params: { id, callid, old_state: from, new_state: to } };
}

/** Returns an event of a transfer. In OpenSIPS, `start` has garbage as its leg, so none is set. */
export function transferEvent(callid: string, state: string, status = '', newCallid = 'new-call'): EviEvent {
  const destination = state === 'notify' ? '' : 'sip:bob@127.0.0.1:5080';
  return {
    name: 'E_CALL_TRANSFER',
    params: { callid, transfer_callid: newCallid, destination, state, status },
  };
}

/** Returns the event of a leg whose hold or unhold starts or ends. */
export function holdEvent(callid: string, leg: string, state: string, action = 'hold'): EviEvent {
  return { name: 'E_CALL_HOLD', params: { callid, leg, action, state } };
}

const callidOf = (mi: MiRequest): string => {
  const { headers, callid, dialog_id: dialogId } = mi.params as Record<string, string | undefined>;
  return /^Call-Id: (.*)$/m.exec(headers ?? '')?.[1]?.trim() ?? callid ?? dialogId ?? '';
};

/** Returns a scenario with a reply per MI method. Other methods are answered with OK. */
export function scriptByMethod(
  replies: Partial<Record<string, (callid: string, mi: MiRequest) => ScriptedReply>>,
): Scenario {
  return (mi) => replies[mi.method]?.(callidOf(mi), mi) ?? { reply: 'OK' };
}

/** The caller answers at once (`start-ok`). */
const callerAnswers = (callid: string): ScriptedReply => ({
  before: [dialogEvent(callid, 1, 2), dialogEvent(callid, 2, 3)],
  reply: {
    Status: '200 Answering',
    RURI: 'sip:alice-0x55@127.0.0.1:5070',
    Routes: [`<sip:127.0.0.1;lr;did=id.${callid}>`],
  },
  after: [dialogEvent(callid, 3, 4)],
});

const dialogNotFound: ScriptedReply = { error: { code: 404, message: 'Requested Dialog not found' } };

/** Each scenario corresponds to a recorded trace, or says how it differs from one. */
export const scenarios = {
  startOk: scriptByMethod({
    t_uac_dlg: callerAnswers,
    call_transfer: (callid) => ({
      reply: 'Accepted',
      after: [
        transferEvent(callid, 'start'),
        dialogEvent(callid, 4, 5),
        dialogEvent('new-call', 1, 2),
        dialogEvent('new-call', 2, 3),
        transferEvent(callid, 'ok', '200 Answering'),
      ],
    }),
    dlg_end_dlg: () => dialogNotFound,
  }),

  /** The phone keeps the first leg until it is ended, rings first, and sends a last NOTIFY after the end. */
  startOkLegKept: scriptByMethod({
    t_uac_dlg: callerAnswers,
    call_transfer: (callid) => ({
      reply: 'Accepted',
      after: [
        transferEvent(callid, 'start'),
        transferEvent(callid, 'notify', '180 Ringing'),
        transferEvent(callid, 'ok', '200 OK'),
        transferEvent(callid, 'notify', '200 OK'),
      ],
    }),
  }),

  /** Dialog state 4 is never reached: the 500 ms pass. */
  startUnacknowledged: scriptByMethod({
    t_uac_dlg: (callid) => ({ ...callerAnswers(callid), after: [] }),
    call_transfer: (callid) => ({
      reply: 'Accepted',
      after: [
        transferEvent(callid, 'start'),
        dialogEvent(callid, 4, 5),
        transferEvent(callid, 'ok', '200 OK'),
      ],
    }),
  }),

  /** The first leg ends before the new INVITE: no E_CALL_TRANSFER at all. */
  startUnmatched: scriptByMethod({
    t_uac_dlg: callerAnswers,
    call_transfer: (callid) => ({ reply: 'Accepted', after: [dialogEvent(callid, 4, 5)] }),
    dlg_list: (_callid, mi) => ({
      reply: {
        count: 1,
        Dialogs: [
          {
            ID: 'id.new-call',
            state: 4,
            timestart: Math.floor(Date.now() / 1000),
            callid: 'new-call',
            from_uri: 'sip:alice@127.0.0.1',
            to_uri: 'sip:bob@127.0.0.1',
            caller_contact: 'sip:alice-0x55@127.0.0.1:5070',
          },
        ].slice(Number(mi.params['index'])),
      },
    }),
  }),

  callerBusy: scriptByMethod({
    t_uac_dlg: (callid) => ({ reply: { Status: '486 Busy Here' }, after: [dialogEvent(callid, 1, 5)] }),
  }),

  calleeBusy: scriptByMethod({
    t_uac_dlg: callerAnswers,
    call_transfer: (callid) => ({
      reply: 'Accepted',
      after: [transferEvent(callid, 'start'), transferEvent(callid, 'fail', '486 Busy Here')],
    }),
  }),

  holdBoth: scriptByMethod({
    call_hold: (callid) => ({
      reply: 'OK',
      after: [
        holdEvent(callid, 'caller', 'start'),
        holdEvent(callid, 'callee', 'start'),
        holdEvent(callid, 'caller', 'ok'),
        holdEvent(callid, 'callee', 'ok'),
      ],
    }),
  }),

  /** One leg is already on hold: no event is raised for it, and 300 ms without events end the command. */
  holdOne: scriptByMethod({
    call_hold: (callid) => ({
      reply: 'OK',
      after: [holdEvent(callid, 'callee', 'start'), holdEvent(callid, 'callee', 'ok')],
    }),
  }),

  unhold: scriptByMethod({
    call_unhold: (callid) => ({
      before: [
        holdEvent(callid, 'callee', 'start', 'unhold'),
        holdEvent(callid, 'caller', 'start', 'unhold'),
      ],
      reply: 'OK',
      after: [holdEvent(callid, 'callee', 'ok', 'unhold'), holdEvent(callid, 'caller', 'ok', 'unhold')],
    }),
  }),

  transferOk: scriptByMethod({
    call_transfer: (callid, { params: { transfer_callid: replaced } }) => ({
      before: [transferEvent(callid, 'start')],
      reply: 'Accepted',
      after: [
        transferEvent(callid, 'notify', '180 Ringing'),
        transferEvent(callid, 'ok', '200 OK'),
        ...(replaced === undefined ? [] : [dialogEvent(String(replaced), 4, 5)]),
      ],
    }),
    dlg_end_dlg: (callid) => ({ reply: 'OK', after: [dialogEvent(callid, 4, 5)] }),
  }),

  transferPending: scriptByMethod({
    call_transfer: () => ({ error: { code: 491, message: 'Request Pending' } }),
  }),

  endOk: scriptByMethod({ dlg_end_dlg: (callid) => ({ reply: 'OK', after: [dialogEvent(callid, 4, 5)] }) }),

  endNotFound: scriptByMethod({ dlg_end_dlg: () => dialogNotFound }),
} satisfies Record<string, Scenario>;

/**
 * Returns an OpenSIPS that knows its calls: each CallStart creates a call with the next Call-ID, a blind transfer creates
 * one with the suffix `-moved`, and requests for unknown calls get 404.
 */
export function statefulCalls(...callids: readonly (string | { readonly answered: boolean })[]): Scenario {
  const unusedCallids = callids.filter((callid) => typeof callid === 'string');
  const { answered } = callids.find((callid) => typeof callid !== 'string') ?? { answered: true };
  const activeCalls = new Set<string>();
  const firstLegs = new Set<string>();
  const ifKnown = (callid: string, reply: () => ScriptedReply): ScriptedReply =>
    activeCalls.has(callid) ? reply() : dialogNotFound;
  return scriptByMethod({
    t_uac_dlg: (callid) => {
      firstLegs.add(callid);
      return callerAnswers(callid);
    },
    call_transfer: (callid, mi) => {
      const otherCallid = mi.params['transfer_callid'];
      if (otherCallid !== undefined && !activeCalls.has(String(otherCallid))) return dialogNotFound;
      const isStart = firstLegs.has(callid);
      if (!isStart && !activeCalls.has(callid)) return dialogNotFound;
      const newCallid = isStart ? (unusedCallids.shift() ?? 'one-more') : `${callid}-moved`;
      activeCalls.add(newCallid);
      activeCalls.delete(callid);
      const ringing = [
        transferEvent(callid, 'start', '', newCallid),
        dialogEvent(callid, 4, 5),
        dialogEvent(newCallid, 1, 2),
      ];
      const answering = [dialogEvent(newCallid, 2, 3), transferEvent(callid, 'ok', '200 OK', newCallid)];
      return { reply: 'Accepted', after: answered ? [...ringing, ...answering] : ringing };
    },
    call_hold: (callid, mi) => ifKnown(callid, () => scenarios.holdBoth(mi)),
    call_unhold: (callid, mi) => ifKnown(callid, () => scenarios.unhold(mi)),
    dlg_end_dlg: (callid) =>
      ifKnown(callid, () => {
        activeCalls.delete(callid);
        return { reply: 'OK', after: [dialogEvent(callid, 4, 5)] };
      }),
    dlg_list: (callid) =>
      ifKnown(callid, () => ({
        reply: {
          Dialog: {
            ID: `id.${callid}`,
            state: 4,
            timestart: 1,
            callid,
            from_uri: 'sip:a@b',
            to_uri: 'sip:b@a',
          },
        },
      })),
  });
}
