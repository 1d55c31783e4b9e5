/** The INVITE of `t_uac_dlg`: OpenSIPS calls a phone in its own name. */
import type { Timeline } from './clock.ts';
import { type Dialog, STATE } from './dialog.ts';
import { inviteDirectly, type Uac, type UacLeg } from './direct-invite.ts';
import { endDialog, moveTo, type Opensips, openDialog } from './opensips.ts';
import { contactOf } from './phone.ts';
import { answerOf, ownRefusalOf, type Response, refusalOf, type UacResult } from './reply.ts';
import { answered, endedBy, isAnswer, type Ring, ring, TIMED_OUT } from './ring.ts';
import { hostOf, randomHex, uriIn, userOf } from './sip.ts';

/** The digest that OpenSIPS puts before a checksum of the Call-ID in its From tags (every trace). */
const FROM_TAG = '533cb9e91f4b999cf76861cbb9ed54ed';

/** Resolves with the result of `t_uac_dlg`: the final SIP reply, be it a refusal. */
export function inviteFirstLeg(opensips: Opensips, uac: Uac): Promise<UacResult> {
  const user = userOf(uac.ruri) ?? 'nobody';
  const manner = opensips.mannerOf(user);
  const leg: UacLeg = {
    opensips,
    user,
    manner,
    time: opensips.clock.timeline(),
    response: {
      sip: opensips.sip,
      version: opensips.version,
      headers: uac.headers,
      callid: uac.headers.get('call-id') ?? randomHex(32),
      fromTag: `${FROM_TAG}-${randomHex(4)}`,
      toTag: '',
      dialogId: undefined,
      contact: contactOf(user, manner, hostOf(opensips.sip)),
      make: manner.make,
    },
  };
  return uac.throughScript ? inviteThroughScript(leg, uac) : inviteDirectly(leg, uac);
}

async function inviteThroughScript(
  { opensips, user, manner, time, response }: UacLeg,
  uac: Uac,
): Promise<UacResult> {
  const { gaps } = opensips;
  const dialog = openFirstDialog(opensips, uac, user, response);
  if (manner.refusedByScript !== undefined) {
    await time.pass(gaps.refusalReply);
    void endAfterRefusal(opensips, time, dialog, manner.refusedByScript);
    return ownRefusalOf(response, manner.refusedByScript, '28de.');
  }
  const asked: Ring = {
    dialog,
    user,
    manner,
    rings: gaps.firstRings,
    answers: gaps.firstAnswers,
    offer: 'one',
  };
  const status = await ring(opensips, time, asked);
  const full: Response = { ...response, toTag: dialog.callee.tag ?? '', dialogId: dialog.dialogId };
  if (isAnswer(status)) {
    answered(opensips, asked);
    await time.pass(gaps.answerReply);
    void acknowledge(opensips, time, dialog);
    return answerOf(full, status, dialog.callee.sdp ?? '');
  }
  endDialog(opensips, dialog, dialog.endedBy ?? endedBy(user, status), status);
  await time.pass(gaps.timeoutReply);
  return status === TIMED_OUT ? ownRefusalOf(full, status, 'bcaa-') : refusalOf(full, status);
}

function openFirstDialog(
  opensips: Opensips,
  { headers, body }: Uac,
  user: string,
  response: Response,
): Dialog {
  return openDialog(opensips, {
    callid: response.callid,
    from: uriIn(headers.get('from') ?? ''),
    to: uriIn(headers.get('to') ?? ''),
    caller: {
      user: undefined,
      tag: response.fromTag,
      contact: uriIn(headers.get('contact') ?? ''),
      sdp: body,
      cseq: Number.parseInt(headers.get('cseq') ?? '1', 10),
    },
    callee: user,
  });
}

async function acknowledge(opensips: Opensips, time: Timeline, dialog: Dialog): Promise<void> {
  await time.pass(opensips.gaps.firstAcknowledged);
  moveTo(opensips, dialog, STATE.acknowledged);
}

async function endAfterRefusal(
  opensips: Opensips,
  time: Timeline,
  dialog: Dialog,
  status: string,
): Promise<void> {
  await time.pass(opensips.gaps.refusalEnds);
  endDialog(opensips, dialog, 'script', status);
}
