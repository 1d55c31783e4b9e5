/** A call as OpenSIPS's dialog module holds it. */

/** The states of a dialog (README, EVI point 5). */
export const STATE = { unconfirmed: 1, ringing: 2, answered: 3, acknowledged: 4, ended: 5 } as const;
/** 1 to 5. */
export type State = (typeof STATE)[keyof typeof STATE];

/** An end of a dialog, as MI and EVI call it. */
export type Leg = 'caller' | 'callee';

/** One end of a dialog, as far as OpenSIPS has seen it. */
export type Party = {
  /** The user of the phone that stands there; undefined where OpenSIPS itself is the user agent. */
  readonly user: string | undefined;
  /** Undefined until it has sent a SIP message. */
  tag: string | undefined;
  contact: string;
  sdp: string | undefined;
  /** CSeq of the last request that it sent within the dialog; the INVITE's is the caller's first. */
  cseq: number;
};

/** One dialog: its own record, and what tests may read of it in the ledger. */
export type Dialog = {
  readonly callid: string;
  /** What `dlg_list` calls ID and events call id: both hash numbers in hexadecimal, each written backwards. */
  readonly dialogId: string;
  readonly dbId: string;
  /** Its place in OpenSIPS's hash table, hence in `dlg_list`. */
  readonly entry: number;
  /** The URIs in From and To. */
  readonly from: string;
  readonly to: string;
  readonly caller: Party;
  readonly callee: Party;
  state: State;
  /** When it came into each state, in milliseconds since 1970. */
  readonly times: Partial<Record<State, number>>;
  /** Who ended it, and the SIP reason for it. */
  endedBy?: EndedBy;
  reason?: string;
  /** The Call-ID of the call whose transfer began this one. */
  readonly transferredFrom?: string;
  readonly held: Record<Leg, boolean>;
  /** The leg that was told to transfer: undefined where it never was, '' when that is over (callops' dialog value). */
  transferLeg: Leg | '' | undefined;
  /** The call that replaces this one. */
  transferCallid: string | undefined;
  /** Ends the wait for an answer with this SIP status; false where the answer is there already. Set when it rings. */
  stopRinging?: (status: string) => boolean;
  /** Transfers under way that hold on to it: a dead dialog is listed as long as there are any. */
  references: number;
};

/** `mi`: dlg_end_dlg; a phone: its user; `script`: the script refused; `timeout`: tm's timers; `restart`: OpenSIPS went. */
export type EndedBy = 'mi' | 'script' | 'timeout' | 'restart' | `phone ${string}`;

/** What an INVITE tells about the call that it asks for. */
export type Invite = Pick<Dialog, 'callid' | 'from' | 'to'> & {
  readonly caller: Party;
  /** The user that is called, if the URI has one. */
  readonly callee: string | undefined;
  readonly transferredFrom?: string;
};

/** Whether it has not ended; one that has is listed for a while. */
export const isAlive = (dialog: Dialog): boolean => dialog.state !== STATE.ended;
