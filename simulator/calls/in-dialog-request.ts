/** A request within a dialog that OpenSIPS sends on behalf of `dlg_send_sequential`. @module */
import type { Dialog, Leg } from '../opensips/dialog.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { type Headers, parseHeaderUri } from '../sip/sip-text.ts';
import type { ReplacedLeg } from './place-call.ts';
import { reachPhone, sendReinvite } from './reach-phone.ts';
import { sendRefer } from './transfer.ts';

export type InDialogRequest = {
  readonly method: string;
  /** Who gets it. */
  readonly leg: Leg;
  readonly headers: Headers;
  readonly body: string | undefined;
};

/** What a phone answers to the other methods that it knows: with 200. */
const KNOWN_METHODS: readonly string[] = ['OPTIONS', 'INFO', 'MESSAGE', 'NOTIFY', 'UPDATE', 'BYE'];

/** Resolves with the phone's final response, or with undefined if none came within `fr_timeout`. */
export async function requestPhone(
  opensips: OpenSips,
  dialog: Dialog,
  { method, leg, headers, body }: InDialogRequest,
): Promise<string | undefined> {
  const timeline = opensips.clock.timeline();
  if (method === 'REFER') return referPhone(opensips, dialog, leg, headers.get('refer-to'));
  if (method === 'INVITE') return sendReinvite(opensips, timeline, dialog, { leg, sdp: body });
  if (!(await reachPhone(opensips, timeline, dialog[leg].user))) return undefined;
  return KNOWN_METHODS.includes(method) ? '200 OK' : '405 Method Not Allowed';
}

/** A phone refuses a REFER without a Refer-To (RFC 3515, section 2.4.2). */
async function referPhone(
  opensips: OpenSips,
  dialog: Dialog,
  leg: Leg,
  referTo: string | undefined,
): Promise<string | undefined> {
  if (referTo === undefined) {
    const isReached = await reachPhone(opensips, opensips.clock.timeline(), dialog[leg].user);
    return isReached ? '400 Bad Request' : undefined;
  }
  const [target = '', embeddedHeaders] = parseHeaderUri(referTo).split('?');
  const replaced = findReplacedLeg(opensips, embeddedHeaders);
  const { status } = await sendRefer(opensips, { dialog, leg, target, replaced });
  return status;
}

/** Returns text without its escapes, or unchanged if one of them is not valid. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Returns the party that a Replaces in Refer-To names. The phone that gets the Replaces matches its own tag with
 * `to-tag` (RFC 3891, section 3).
 */
function findReplacedLeg(opensips: OpenSips, embeddedHeaders = ''): ReplacedLeg | undefined {
  const replaces = /(?:^|&)Replaces=([^&]*)/i.exec(embeddedHeaders)?.[1];
  if (replaces === undefined) return undefined;
  const [callid = '', ...parameters] = decode(replaces).split(';');
  const toTag = parameters.find((parameter) => parameter.startsWith('to-tag='))?.slice('to-tag='.length);
  const dialog = opensips.dialogs
    .allOf(callid)
    .find(({ caller, callee }) => caller.tag === toTag || callee.tag === toTag);
  if (dialog === undefined) return undefined;
  return { dialog, leg: dialog.caller.tag === toTag ? 'caller' : 'callee' };
}
