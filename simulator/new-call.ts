/** A call from phone to phone: dialled by hand, or because its phone was told to by a REFER. */
import type { Timeline } from './clock.ts';
import { type Dialog, type Party, STATE } from './dialog.ts';
import { endDialog, moveTo, type Opensips, openDialog } from './opensips.ts';
import { contactOf, newTag, sdpOf } from './phone.ts';
import { answered, endedBy, isAnswer, type Ring, ring, TERMINATED } from './ring.ts';
import { hostOf, randomHex, userOf, withoutParameters } from './sip.ts';

/** Who calls whom. */
export type NewCall = {
  readonly caller: string;
  /** The URI in From. */
  readonly from: string;
  /** The URI that is called. */
  readonly target: string;
  readonly transferredFrom?: string;
  /** It asks to replace another call of the callee (RFC 3891). */
  readonly replaces?: boolean;
};

/** What is to be done on the way. */
export type Along = {
  /** The INVITE goes on to the callee's contact. */
  readonly forwarded?: (call: Dialog, destination: string) => Promise<void>;
  readonly ringing?: () => void;
  /** The final reply has passed OpenSIPS; the dialog has changed its state. */
  readonly final?: (status: string) => Promise<void>;
};

/** Resolves with the final status when the call is acknowledged or refused; `byScript` where the script refused it. */
export async function placeCall(
  opensips: Opensips,
  time: Timeline,
  wanted: NewCall,
  along: Along = {},
): Promise<{ call: Dialog; status: string; byScript: boolean }> {
  const { gaps } = opensips;
  const user = userOf(wanted.target) ?? 'nobody';
  const callee = opensips.mannerOf(user);
  const call = open(opensips, wanted, user);
  if (callee.refusedByScript !== undefined) {
    await time.pass(gaps.newRefused);
    endDialog(opensips, call, 'script', callee.refusedByScript);
    return { call, status: callee.refusedByScript, byScript: true };
  }

  await along.forwarded?.(call, contactOf(user, callee, hostOf(opensips.sip)));
  const caller = opensips.mannerOf(wanted.caller);
  const asked: Ring = {
    dialog: call,
    user,
    manner:
      wanted.replaces && callee.refusesReplaces
        ? { ...callee, answer: { kind: 'refuses', status: '486 Busy Here' } }
        : callee,
    rings: gaps.newRings,
    answers: gaps.newAnswers,
    offer: 'all',
    onRinging: () => along.ringing?.(),
    callerGivesUpAfterMs: wanted.transferredFrom === undefined ? undefined : caller.givesUpAfterMs,
  };
  const status = await ring(opensips, time, asked);
  if (isAnswer(status)) {
    answered(opensips, asked);
    await along.final?.(status);
    await time.pass(gaps.newAcknowledged);
    moveTo(opensips, call, STATE.acknowledged);
  } else {
    const by = status === TERMINATED ? wanted.caller : user;
    endDialog(opensips, call, call.endedBy ?? endedBy(by, status), status);
    await along.final?.(status);
  }
  return { call, status, byScript: false };
}

function open(opensips: Opensips, wanted: NewCall, callee: string): Dialog {
  const { caller: user, from, target, transferredFrom } = wanted;
  const manner = opensips.mannerOf(user);
  const host = hostOf(opensips.sip);
  const caller: Party = {
    user,
    tag: newTag(),
    contact: contactOf(user, manner, host),
    sdp: sdpOf(user, manner, host, from, 'nothing'),
    cseq: manner.make === 'baresip' ? FIRST_CSEQ_OF_BARESIP : 1,
  };
  return openDialog(opensips, {
    callid: randomHex(16),
    from,
    to: manner.stripsParameters ? withoutParameters(target) : target,
    caller,
    callee,
    ...(transferredFrom === undefined ? {} : { transferredFrom }),
  });
}

/** baresip begins anywhere; what it takes in `start-ok`. */
const FIRST_CSEQ_OF_BARESIP = 23_443;
