/** From the INVITE that reaches a phone to its final SIP reply. */
import type { Timeline } from './clock.ts';
import { type Dialog, type EndedBy, STATE } from './dialog.ts';
import type { Manner } from './manners.ts';
import { moveTo, type Opensips } from './opensips.ts';
import { ANSWERED, contactOf, newTag, sdpOf } from './phone.ts';
import { hostOf } from './sip.ts';

/** An INVITE on its way to a phone. */
export type Ring = {
  readonly dialog: Dialog;
  readonly user: string;
  readonly manner: Manner;
  /** The pauses before it rings and before it answers, for one that answers at once. */
  readonly rings: number;
  readonly answers: number;
  /** What the caller's SDP offers. */
  readonly offer: 'one' | 'all';
  readonly onRinging?: () => void;
  /** The caller cancels after so many milliseconds. */
  readonly callerGivesUpAfterMs?: number | undefined;
};

/** Whether a final status is 2xx. */
export const isAnswer = (status: string): boolean => status.startsWith('2');

/** 487: the INVITE was cancelled. */
export const TERMINATED = '487 Request Terminated';
/** 408: tm's timers have run out. */
export const TIMED_OUT = '408 Request Timeout';

/** Resolves with the final status line. The dialog then rings, or is as it was; it is for the caller to move it on. */
export async function ring(opensips: Opensips, time: Timeline, asked: Ring): Promise<string> {
  const { dialog, manner } = asked;
  const { answer } = manner;
  if (answer.kind === 'silent') {
    await time.pass(opensips.timers.unanswered);
    return TIMED_OUT;
  }
  await time.pass(asked.rings);
  dialog.callee.tag = newTag();
  if (answer.kind === 'refuses') return answer.status;

  moveTo(opensips, dialog, STATE.ringing);
  asked.onRinging?.();
  const [ms, status] = nextToHappen(opensips, asked);
  return time.race(ms, status, (interrupt) => {
    dialog.stopRinging = interrupt;
  });
}

/** Of answer, timeout and the caller's patience the one that comes first, and when. */
export function nextToHappen(
  opensips: Opensips,
  { manner, answers, callerGivesUpAfterMs }: Pick<Ring, 'manner' | 'answers' | 'callerGivesUpAfterMs'>,
): [ms: number, status: string] {
  const { make, answer } = manner;
  const happenings: [number, string][] = [[opensips.timers.ringing, TIMED_OUT]];
  if (answer.kind === 'answers') happenings.push([answer.afterMs || answers, ANSWERED[make]]);
  if (callerGivesUpAfterMs !== undefined) happenings.push([callerGivesUpAfterMs, TERMINATED]);
  return happenings.reduce((first, other) => (other[0] < first[0] ? other : first));
}

/** The 200 OK: the callee shows its contact and SDP, and the dialog is answered. */
export function answered(opensips: Opensips, { dialog, user, manner, offer }: Ring): void {
  const host = hostOf(opensips.sip);
  dialog.callee.contact = contactOf(user, manner, host);
  dialog.callee.sdp = sdpOf(user, manner, host, dialog.to, offer);
  moveTo(opensips, dialog, STATE.answered);
}

/** Who a refusal or a timeout is put down to. */
export function endedBy(user: string, status: string): EndedBy {
  return status === TIMED_OUT ? 'timeout' : `phone ${user}`;
}
