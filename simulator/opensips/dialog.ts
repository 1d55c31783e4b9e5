/** A dialog as OpenSIPS's dialog module stores it. @module */
import { readDirection, type SdpDirection } from '../sip/sdp.ts';

/** The states of a dialog, numbered as in E_DLG_STATE_CHANGED and `dlg_list`. */
export const DIALOG_STATE = { unconfirmed: 1, ringing: 2, answered: 3, acknowledged: 4, ended: 5 } as const;
/** 1 to 5. */
export type DialogState = (typeof DIALOG_STATE)[keyof typeof DIALOG_STATE];

/** A side of a dialog, as MI and EVI call it. */
export type Leg = 'caller' | 'callee';

/** Returns the other side of a dialog. */
export const otherLeg = (leg: Leg): Leg => (leg === 'caller' ? 'callee' : 'caller');

/** One party of a dialog, as far as OpenSIPS knows it. */
export type Party = {
  /** The user part of the phone's address; undefined where OpenSIPS itself is the user agent. */
  readonly user: string | undefined;
  /** Undefined until the party has sent a SIP message. */
  tag: string | undefined;
  contact: string;
  /** The SDP that the party sent last. A re-INVITE of OpenSIPS itself does not change it. */
  sdp: string | undefined;
  /** The SDP that the party got last and accepted, from the other party or from OpenSIPS. */
  receivedSdp: string | undefined;
  /** The direction in `receivedSdp`: `sendonly` and `inactive` hold the party, whatever callops thinks. */
  receivedDirection: SdpDirection | undefined;
  /** CSeq of the last request that the party sent within the dialog. The caller's first request is the INVITE. */
  cseq: number;
};

/** One dialog: the record of OpenSIPS, which tests also read in the ledger. */
export type Dialog = {
  readonly callid: string;
  /** `ID` in `dlg_list` and `id` in events: both hash numbers in hexadecimal, each with its digits reversed. */
  readonly dialogId: string;
  readonly dbId: string;
  /** Its entry of OpenSIPS's hash table, and so its position in `dlg_list`. */
  readonly hashEntry: number;
  /** The URIs in From and To. */
  readonly from: string;
  readonly to: string;
  readonly caller: Party;
  readonly callee: Party;
  state: DialogState;
  /** When the dialog entered each state, in milliseconds since 1970. */
  readonly stateTimes: Partial<Record<DialogState, number>>;
  /** Who ended the dialog, and the SIP reason. */
  endedBy?: EndedBy;
  reason?: string;
  /** The Call-ID of the call whose transfer created this one. */
  readonly transferredFrom?: string;
  /** What `call_hold` and `call_unhold` did. A re-INVITE by any other means does not change it. */
  readonly held: Record<Leg, boolean>;
  /** callops' dialog value: the leg that transfers, '' after the transfer, undefined if there never was one. */
  transferLeg: Leg | '' | undefined;
  /** The call that replaces this one. */
  transferCallid: string | undefined;
  /** Whether callops handles the NOTIFYs within the dialog: from the first `call_transfer` on. */
  handlesNotify: boolean;
  /** Ends the ringing with this SIP status. Returns false if the phone has already answered. Set when it rings. */
  stopRinging?: (status: string) => boolean;
  /** Number of pending transfers that reference the dialog. It stays listed after its end while there are any. */
  references: number;
};

/**
 * `mi`: dlg_end_dlg; a phone: its user part; `script`: refused by the script; `timeout`: timers of the tm module;
 * `restart`: OpenSIPS restarted; `challenge`: the script asked for credentials.
 */
export type EndedBy = 'mi' | 'script' | 'challenge' | 'timeout' | 'restart' | `phone ${string}`;

/** What an INVITE says about the requested call. */
export type Invite = Pick<Dialog, 'callid' | 'from' | 'to'> & {
  readonly caller: Party;
  /** The user part of the called URI, if it has one. */
  readonly callee: string | undefined;
  readonly transferredFrom?: string;
};

/** Records the SDP that a party got and accepted. */
export function receiveSdp(party: Party, sdp: string | undefined): void {
  party.receivedSdp = sdp;
  party.receivedDirection = sdp === undefined ? undefined : readDirection(sdp);
}

/** Whether the dialog has not ended. A dialog that has ended is still listed for a while. */
export const isActive = (dialog: Dialog): boolean => dialog.state !== DIALOG_STATE.ended;
