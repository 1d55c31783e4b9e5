/** Judges a routing script by what it did with calls between doctor's own phones. Pure. @module */
import { type Finding, faulty, passed, unchecked } from './finding.ts';

/** A status of a response; undefined if there was none in time. */
export type Status = number | undefined;

/** A call by `t_uac_dlg` to a phone that answers, and what the script did with the requests of that phone. */
export interface FirstLeg {
  /** What `t_uac_dlg` answered: the SIP status line, or the error of MI. */
  readonly outcome: string;
  readonly isAnswered: boolean;
  /** Whether OpenSIPS has a dialog for it. */
  readonly hasDialog: boolean;
  readonly notify: Status;
  readonly bye: Status;
}

/** The NOTIFYs of transfers within a call between two phones. */
export interface Notifications {
  /** After a REFER of OpenSIPS; undefined if it cannot send one. */
  readonly ofApi: { readonly status: Status; readonly hasReachedOther: boolean } | undefined;
  /** After a REFER of the other phone. */
  readonly ofPhone: {
    readonly refer: Status;
    readonly status: Status;
    readonly hasReachedOther: boolean;
  };
}

/** Whether OpenSIPS has ended a call because a phone answered 481 to one request in it. */
export interface Pinging {
  readonly endedByOptions: boolean;
  readonly endedByReinvite: boolean;
  /** Whether each phone has received the requests, and so has refused them. */
  readonly areRefused: boolean;
}

/** The responses to INVITEs without a password, and whether they left a dialog. */
export interface Challenge {
  readonly status: Status;
  readonly hasDialog: boolean;
}

const REFERENCE = 'docs/opensips.md';
const textOf = (status: Status) =>
  status === undefined ? 'there was no response' : `the response was ${status}`;
const isChallenge = ({ status }: Challenge) => status === 401 || status === 407;

/** Trap 1, without a phone of the user: the first leg passes the script, and the script makes a dialog. */
export function ownLoopFinding({ outcome, isAnswered, hasDialog }: FirstLeg, nextHop: string): Finding {
  if (!isAnswered)
    return unchecked('loop', `Not checked: the call to doctor's own phone failed: ${outcome}.`);
  return hasDialog
    ? passed('loop', `The first leg passes the routing script at ${nextHop}.`)
    : faulty(
        'loop',
        `Doctor's own phone answered, but OpenSIPS made no dialog: the call did not pass its routing script at ${nextHop}, or the script makes none.`,
        `Set --next-hop, and --sip-next-hop (SIP_NEXT_HOP) of the adapter, to the address of socket= in opensips.cfg, and call create_dialog() in its route: ${REFERENCE}, trap 1.`,
      );
}

/** Trap 2: OpenSIPS is one end of the first leg, and its script must answer for it. */
export function firstLegFinding({ outcome, isAnswered, notify, bye }: FirstLeg): Finding {
  if (!isAnswered)
    return unchecked('first leg', `Not checked: the call to doctor's own phone failed: ${outcome}.`);
  const isRelayed = notify === 483 || bye === 483;
  if (!isRelayed && notify !== undefined && bye !== undefined && bye < 300)
    return passed('first leg', 'The script answers what a phone sends in the first leg of a call.');
  return faulty(
    'first leg',
    isRelayed
      ? 'The script relays to itself what a phone sends in the first leg of a call, until 483 Too Many Hops: OpenSIPS is one end of that leg.'
      : `The script does not answer what a phone sends in the first leg of a call, of which OpenSIPS is one end. To NOTIFY, ${textOf(notify)}; to BYE, ${textOf(bye)}.`,
    `In the block if (has_totag()), answer requests for OpenSIPS itself: if (is_myself("$rd", $rp)) { if (!is_method("ACK")) t_reply(200, "OK"); exit; } (${REFERENCE}, trap 2).`,
  );
}

/** Trap 3: what becomes of the NOTIFY of a transfer. */
export function notifyFinding({ ofApi, ofPhone }: Notifications): Finding {
  if (ofPhone.refer === undefined || ofPhone.refer >= 300)
    return unchecked(
      'notify',
      `Not checked: a phone may not transfer a call. To its REFER, ${textOf(ofPhone.refer)}.`,
    );
  if (!ofPhone.hasReachedOther)
    return faulty(
      'notify',
      `The script swallows every NOTIFY of a transfer (Event: refer), so the transfer key of the phones does not work. A NOTIFY did not reach the phone that had asked for the transfer; ${textOf(ofPhone.status)}.`,
      `Relay it. Remove the line that drops it, such as if (is_method("NOTIFY") && $hdr(Event) =~ "^refer") exit; (${REFERENCE}, trap 3).`,
    );
  if (ofApi?.hasReachedOther)
    return faulty(
      'notify',
      'The script relays the NOTIFY of a transfer that only the Call API has asked for. The other phone answers 481, after which the transferred phone may end its call.',
      `Answer it in the script, unless a phone has sent the REFER: ${REFERENCE}, trap 3.`,
    );
  return passed('notify', 'The NOTIFY of a transfer reaches the phone that asked for it, and no other.');
}

/** Trap 4: two dialogs for a call whose first INVITE is answered by a challenge. */
export function challengeFinding(challenges: readonly Challenge[]): Finding {
  const asked = challenges.filter(isChallenge);
  const late = asked.find(({ hasDialog }) => hasDialog);
  if (late)
    return faulty(
      'challenge',
      `The script asks for a password (${late.status}) after create_dialog(), so such a call has two dialogs with one Call-ID, and commands may act on the dead one.`,
      `Ask for the password before create_dialog(): ${REFERENCE}, trap 4.`,
    );
  return asked.length > 0
    ? passed('challenge', 'The script asks for a password before it makes a dialog.')
    : unchecked(
        'challenge',
        'Not checked: the script does not ask this machine for a password. If it asks others, it must do so before create_dialog().',
      );
}

/** Pinging: one refused or lost request in a call then ends it. */
export function pingingFinding({ endedByOptions, endedByReinvite, areRefused }: Pinging): Finding {
  const kinds = [...(endedByOptions ? ['OPTIONS'] : []), ...(endedByReinvite ? ['re-INVITE'] : [])];
  if (kinds.length === 0 && !areRefused)
    return unchecked(
      'pinging',
      'Not checked: the requests of OpenSIPS did not reach the phones of the call.',
    );
  if (kinds.length === 0)
    return passed('pinging', 'A call goes on after a phone has refused a request in it.');
  return faulty(
    'pinging',
    `OpenSIPS pings the phones of a call by ${kinds.join(' and ')}. A single request of the Call API that a phone answers with 481, or not at all, then ends the call: it ended a test call.`,
    `Remove the flags for pinging from create_dialog() in opensips.cfg: P and p (options-ping-…) and R and r (reinvite-ping-…). create_dialog("Bye-on-timeout") has none (${REFERENCE}).`,
  );
}
