/** An INVITE of `t_uac_dlg` without `next_hop`: it reaches the phone but does not pass through the script. @module */
import type { OpenSips } from '../opensips/opensips.ts';
import type { PhoneBehavior } from '../phones/behavior.ts';
import { buildSdp, createTag } from '../phones/user-agent.ts';
import { type Headers, parseHeaderUri, parseHost } from '../sip/sip-text.ts';
import {
  buildAnswer,
  buildOwnRefusal,
  buildRefusal,
  type ReplyFields,
  type UacResult,
} from '../sip/uac-result.ts';
import type { Timeline } from '../timing/clock.ts';
import { reachPhone } from './reach-phone.ts';
import { isSuccess, pickFirstOutcome, REQUEST_TIMEOUT } from './ring-phone.ts';

/** The parameters of `t_uac_dlg`. */
export type UacRequest = {
  readonly ruri: string;
  readonly headers: Headers;
  readonly body: string | undefined;
  /** With `next_hop` the INVITE returns through the script. Without it there is no dialog, and no event is raised. */
  readonly isThroughScript: boolean;
};

/** The pending INVITE of a `t_uac_dlg`. */
export type FirstLeg = {
  readonly opensips: OpenSips;
  readonly user: string;
  readonly behavior: PhoneBehavior;
  readonly timeline: Timeline;
  readonly fields: ReplyFields;
};

/** Calls the phone, which answers as usual, without a dialog in OpenSIPS. */
export async function inviteDirectly(
  { opensips, user, behavior, timeline, fields }: FirstLeg,
  request: UacRequest,
): Promise<UacResult> {
  const { delays, timers, sipAddress } = opensips;
  const tagged: ReplyFields = { ...fields, toTag: createTag() };
  const { onInvite } = behavior;
  if (onInvite.kind === 'silent') {
    await timeline.wait(timers.frTimeoutMs);
    return buildOwnRefusal(tagged, REQUEST_TIMEOUT, 'bcaa-');
  }
  if (!(await reachPhone(opensips, timeline, user))) return buildOwnRefusal(tagged, REQUEST_TIMEOUT, 'bcaa-');
  await timeline.wait(delays.firstLegRinging);
  if (onInvite.kind === 'refuse') return buildRefusal(tagged, onInvite.status);
  const [ms, status] = pickFirstOutcome(opensips, { behavior, answerDelayMs: delays.firstLegAnswer });
  await timeline.wait(ms);
  const uri = parseHeaderUri(request.headers.get('to') ?? '');
  const sdp = buildSdp(user, behavior, parseHost(sipAddress), uri, 'one codec');
  return isSuccess(status) ? buildAnswer(tagged, status, sdp) : buildOwnRefusal(tagged, status, 'bcaa-');
}
