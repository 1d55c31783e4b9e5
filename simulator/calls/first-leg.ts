/** The INVITE of `t_uac_dlg`, with which OpenSIPS itself calls a phone. @module */
import { DIALOG_STATE, type Dialog } from '../opensips/dialog.ts';
import { changeState, createDialog, endDialog, type OpenSips } from '../opensips/opensips.ts';
import { behaviorTowards } from '../phones/behavior.ts';
import { buildContact } from '../phones/user-agent.ts';
import { parseHeaderUri, parseHost, parseUser, randomHex } from '../sip/sip-text.ts';
import {
  buildAnswer,
  buildOwnRefusal,
  buildRefusal,
  type ReplyFields,
  type UacResult,
} from '../sip/uac-result.ts';
import type { Timeline } from '../timing/clock.ts';
import { type FirstLeg, inviteDirectly, type UacRequest } from './direct-invite.ts';
import { raiseRefused } from './place-call.ts';
import {
  answerDialog,
  attributeEnd,
  isSuccess,
  REQUEST_TIMEOUT,
  type RingingCall,
  ringPhone,
} from './ring-phone.ts';

/** The digest that OpenSIPS puts before a checksum of the Call-ID in its From tags (every trace). */
const FROM_TAG_PREFIX = '533cb9e91f4b999cf76861cbb9ed54ed';

/** Calls a phone. Resolves with the result of `t_uac_dlg`: the final SIP reply, which may be a refusal. */
export function inviteFirstLeg(opensips: OpenSips, request: UacRequest): Promise<UacResult> {
  const user = parseUser(request.ruri) ?? 'nobody';
  const behavior = behaviorTowards(opensips.behaviorOf(user));
  const leg: FirstLeg = {
    opensips,
    user,
    behavior,
    timeline: opensips.clock.timeline(),
    fields: {
      sipAddress: opensips.sipAddress,
      version: opensips.version,
      headers: request.headers,
      callid: request.headers.get('call-id') ?? randomHex(32),
      fromTag: `${FROM_TAG_PREFIX}-${randomHex(4)}`,
      toTag: '',
      dialogId: undefined,
      contact: buildContact(user, behavior, parseHost(opensips.sipAddress)),
      userAgent: behavior.userAgent,
    },
  };
  return request.isThroughScript ? inviteThroughScript(leg, request) : inviteDirectly(leg, request);
}

async function inviteThroughScript(
  { opensips, user, behavior, timeline, fields }: FirstLeg,
  request: UacRequest,
): Promise<UacResult> {
  const { delays } = opensips;
  const dialog = createFirstDialog(opensips, request, user, fields);
  const refusal = behavior.scriptRefusal ?? behavior.scriptChallenge;
  if (refusal !== undefined) {
    await timeline.wait(delays.refusalReply);
    if (behavior.scriptRefusal !== undefined) raiseRefused(opensips, dialog, request.ruri, refusal);
    void endAfterRefusal(opensips, timeline, dialog, refusal);
    return buildOwnRefusal(fields, refusal, '28de.');
  }
  const ringing: RingingCall = {
    dialog,
    user,
    behavior,
    ringingDelayMs: delays.firstLegRinging,
    answerDelayMs: delays.firstLegAnswer,
    offer: 'one codec',
  };
  const status = await ringPhone(opensips, timeline, ringing);
  const complete: ReplyFields = { ...fields, toTag: dialog.callee.tag ?? '', dialogId: dialog.dialogId };
  if (isSuccess(status)) {
    answerDialog(opensips, ringing);
    await timeline.wait(delays.answerReply);
    void acknowledge(opensips, timeline, dialog);
    return buildAnswer(complete, status, dialog.callee.sdp ?? '');
  }
  endDialog(opensips, dialog, dialog.endedBy ?? attributeEnd(user, status), status);
  await timeline.wait(delays.timeoutReply);
  return status === REQUEST_TIMEOUT
    ? buildOwnRefusal(complete, status, 'bcaa-')
    : buildRefusal(complete, status);
}

function createFirstDialog(
  opensips: OpenSips,
  { headers, body }: UacRequest,
  user: string,
  fields: ReplyFields,
): Dialog {
  return createDialog(opensips, {
    callid: fields.callid,
    from: parseHeaderUri(headers.get('from') ?? ''),
    to: parseHeaderUri(headers.get('to') ?? ''),
    caller: {
      user: undefined,
      tag: fields.fromTag,
      contact: parseHeaderUri(headers.get('contact') ?? ''),
      sdp: body,
      receivedSdp: undefined,
      receivedDirection: undefined,
      cseq: Number.parseInt(headers.get('cseq') ?? '1', 10),
    },
    callee: user,
  });
}

async function acknowledge(opensips: OpenSips, timeline: Timeline, dialog: Dialog): Promise<void> {
  await timeline.wait(opensips.delays.firstLegAck);
  changeState(opensips, dialog, DIALOG_STATE.acknowledged);
}

async function endAfterRefusal(
  opensips: OpenSips,
  timeline: Timeline,
  dialog: Dialog,
  status: string,
): Promise<void> {
  await timeline.wait(opensips.delays.refusalEnd);
  endDialog(opensips, dialog, 'script', status);
}
