/** What OpenSIPS does in recorded situations, as beats of a {@link ScriptedAdapter}. @module */
import type { EviEvent } from '../../shared/evi.ts';
import type { Mi } from '../../shared/link.ts';
import type { Beat, Scenario } from './adapter.ts';

/** A dialog goes from one state to the next. */
export function dialog(callid: string, from: number, to: number): EviEvent {
  return {
    name: 'E_DLG_STATE_CHANGED',
    params: { id: `id.${callid}`, callid, old_state: from, new_state: to },
  };
}

/** A transfer's event; `start` has garbage for a leg, so none is set. */
export function transferred(callid: string, state: string, status = '', newCallid = 'new-call'): EviEvent {
  const destination = state === 'notify' ? '' : 'sip:bob@127.0.0.1:5080';
  return {
    name: 'E_CALL_TRANSFER',
    params: { callid, transfer_callid: newCallid, destination, state, status },
  };
}

/** A leg's hold or unhold begins or ends. */
export function held(callid: string, leg: string, state: string, action = 'hold'): EviEvent {
  return { name: 'E_CALL_HOLD', params: { callid, leg, action, state } };
}

const callidOf = (mi: Mi): string => {
  const { headers, callid, dialog_id: dialogId } = mi.params as Record<string, string | undefined>;
  return /^Call-Id: (.*)$/m.exec(headers ?? '')?.[1]?.trim() ?? callid ?? dialogId ?? '';
};

/** A script by MI method; what it does not name is answered OK. */
export function script(beats: Partial<Record<string, (callid: string, mi: Mi) => Beat>>): Scenario {
  return (mi) => beats[mi.method]?.(callidOf(mi), mi) ?? { reply: 'OK' };
}

/** The caller answers at once (`start-ok`). */
const callerAnswers = (callid: string): Beat => ({
  before: [dialog(callid, 1, 2), dialog(callid, 2, 3)],
  reply: {
    Status: '200 Answering',
    RURI: 'sip:alice-0x55@127.0.0.1:5070',
    Routes: [`<sip:127.0.0.1;lr;did=id.${callid}>`],
  },
  after: [dialog(callid, 3, 4)],
});

const gone: Beat = { error: { code: 404, message: 'Requested Dialog not found' } };

/** Each names a trace or what differs from it. */
export const scenarios = {
  startOk: script({
    t_uac_dlg: callerAnswers,
    call_transfer: (callid) => ({
      reply: 'Accepted',
      after: [
        transferred(callid, 'start'),
        dialog(callid, 4, 5),
        dialog('new-call', 1, 2),
        dialog('new-call', 2, 3),
        transferred(callid, 'ok', '200 Answering'),
      ],
    }),
    dlg_end_dlg: () => gone,
  }),

  /** The phone keeps the first leg until it is told, rings first, and gives a last notify after the end. */
  startOkLegKept: script({
    t_uac_dlg: callerAnswers,
    call_transfer: (callid) => ({
      reply: 'Accepted',
      after: [
        transferred(callid, 'start'),
        transferred(callid, 'notify', '180 Ringing'),
        transferred(callid, 'ok', '200 OK'),
        transferred(callid, 'notify', '200 OK'),
      ],
    }),
  }),

  /** Dialog state 4 never comes: the 500 ms pass. */
  startUnacknowledged: script({
    t_uac_dlg: (callid) => ({ ...callerAnswers(callid), after: [] }),
    call_transfer: (callid) => ({
      reply: 'Accepted',
      after: [transferred(callid, 'start'), dialog(callid, 4, 5), transferred(callid, 'ok', '200 OK')],
    }),
  }),

  /** The first leg ends before the new INVITE: no E_CALL_TRANSFER at all. */
  startUnmatched: script({
    t_uac_dlg: callerAnswers,
    call_transfer: (callid) => ({ reply: 'Accepted', after: [dialog(callid, 4, 5)] }),
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

  callerBusy: script({
    t_uac_dlg: (callid) => ({ reply: { Status: '486 Busy Here' }, after: [dialog(callid, 1, 5)] }),
  }),

  calleeBusy: script({
    t_uac_dlg: callerAnswers,
    call_transfer: (callid) => ({
      reply: 'Accepted',
      after: [transferred(callid, 'start'), transferred(callid, 'fail', '486 Busy Here')],
    }),
  }),

  holdBoth: script({
    call_hold: (callid) => ({
      reply: 'OK',
      after: [
        held(callid, 'caller', 'start'),
        held(callid, 'callee', 'start'),
        held(callid, 'caller', 'ok'),
        held(callid, 'callee', 'ok'),
      ],
    }),
  }),

  /** One leg is held already: nothing is raised for it, and 300 ms of quiet end the command. */
  holdOne: script({
    call_hold: (callid) => ({
      reply: 'OK',
      after: [held(callid, 'callee', 'start'), held(callid, 'callee', 'ok')],
    }),
  }),

  unhold: script({
    call_unhold: (callid) => ({
      before: [held(callid, 'callee', 'start', 'unhold'), held(callid, 'caller', 'start', 'unhold')],
      reply: 'OK',
      after: [held(callid, 'callee', 'ok', 'unhold'), held(callid, 'caller', 'ok', 'unhold')],
    }),
  }),

  transferOk: script({
    call_transfer: (callid) => ({
      before: [transferred(callid, 'start')],
      reply: 'Accepted',
      after: [transferred(callid, 'notify', '180 Ringing'), transferred(callid, 'ok', '200 OK')],
    }),
    dlg_end_dlg: (callid) => ({ reply: 'OK', after: [dialog(callid, 4, 5)] }),
  }),

  transferPending: script({ call_transfer: () => ({ error: { code: 491, message: 'Request Pending' } }) }),

  endOk: script({ dlg_end_dlg: (callid) => ({ reply: 'OK', after: [dialog(callid, 4, 5)] }) }),

  endNotFound: script({ dlg_end_dlg: () => gone }),
} satisfies Record<string, Scenario>;

/**
 * An OpenSIPS that knows its calls: each CallStart makes the next of these, a blind transfer of a call makes one of
 * the same name and `-moved`, and what is asked of a call that it does not know gets 404.
 */
export function callsMade(...names: readonly (string | { readonly answered: boolean })[]): Scenario {
  const left = names.filter((name) => typeof name === 'string');
  const { answered } = names.find((name) => typeof name !== 'string') ?? { answered: true };
  const standing = new Set<string>();
  const firstLegs = new Set<string>();
  const ifKnown = (callid: string, beat: () => Beat): Beat => (standing.has(callid) ? beat() : gone);
  return script({
    t_uac_dlg: (callid) => {
      firstLegs.add(callid);
      return callerAnswers(callid);
    },
    call_transfer: (callid, mi) => {
      const other = mi.params['transfer_callid'];
      if (other !== undefined && !standing.has(String(other))) return gone;
      const started = firstLegs.has(callid);
      if (!started && !standing.has(callid)) return gone;
      const made = started ? (left.shift() ?? 'one-more') : `${callid}-moved`;
      standing.add(made);
      standing.delete(callid);
      const begun = [transferred(callid, 'start', '', made), dialog(callid, 4, 5), dialog(made, 1, 2)];
      const taken = [dialog(made, 2, 3), transferred(callid, 'ok', '200 OK', made)];
      return { reply: 'Accepted', after: answered ? [...begun, ...taken] : begun };
    },
    call_hold: (callid, mi) => ifKnown(callid, () => scenarios.holdBoth(mi)),
    call_unhold: (callid, mi) => ifKnown(callid, () => scenarios.unhold(mi)),
    dlg_end_dlg: (callid) =>
      ifKnown(callid, () => {
        standing.delete(callid);
        return { reply: 'OK', after: [dialog(callid, 4, 5)] };
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
