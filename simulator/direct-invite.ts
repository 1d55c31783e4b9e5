/** An INVITE of `t_uac_dlg` without `next_hop`: it goes to the phone, but not through the script. */
import type { Timeline } from './clock.ts';
import type { Manner } from './manners.ts';
import type { Opensips } from './opensips.ts';
import { newTag, sdpOf } from './phone.ts';
import { answerOf, ownRefusalOf, type Response, refusalOf, type UacResult } from './reply.ts';
import { isAnswer, nextToHappen, TIMED_OUT } from './ring.ts';
import { type Headers, hostOf, uriIn } from './sip.ts';

/** What `t_uac_dlg` is asked. */
export type Uac = {
  readonly ruri: string;
  readonly headers: Headers;
  readonly body: string | undefined;
  /** With `next_hop` the INVITE comes back through the script; without, no dialog is made and no event raised. */
  readonly throughScript: boolean;
};

/** That INVITE under way. */
export type UacLeg = {
  readonly opensips: Opensips;
  readonly user: string;
  readonly manner: Manner;
  readonly time: Timeline;
  readonly response: Response;
};

/** The phone is called all the same, and answers; but OpenSIPS knows of no dialog. */
export async function inviteDirectly(
  { opensips, user, manner, time, response }: UacLeg,
  uac: Uac,
): Promise<UacResult> {
  const { gaps, timers, sip } = opensips;
  const full: Response = { ...response, toTag: newTag() };
  const { answer } = manner;
  if (answer.kind === 'silent') {
    await time.pass(timers.unanswered);
    return ownRefusalOf(full, TIMED_OUT, 'bcaa-');
  }
  await time.pass(gaps.firstRings);
  if (answer.kind === 'refuses') return refusalOf(full, answer.status);
  const [ms, status] = nextToHappen(opensips, { manner, answers: gaps.firstAnswers });
  await time.pass(ms);
  const sdp = sdpOf(user, manner, hostOf(sip), uriIn(uac.headers.get('to') ?? ''), 'one');
  return isAnswer(status) ? answerOf(full, status, sdp) : ownRefusalOf(full, status, 'bcaa-');
}
