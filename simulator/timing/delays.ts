/**
 * How long OpenSIPS and the phones take for each step: the recorded delays, and OpenSIPS's own timers.
 * @module
 */

/** Delays in milliseconds between the datagrams of trace `start-ok`, or of the trace named beside the number. */
export const DELAYS_MS = {
  /** `dlg_end_dlg` → its reply. Commands of the core take no longer than a datagram does. */
  endReply: 0.8,
  listReply: 1.1,
  /** `call_transfer` → `Accepted`. */
  transferReply: 1.1,
  /** `dlg_send_sequential` → the phone's answer as a reply (`sequential-requests`). */
  sequentialReply: 1.0,
  /** `call_hold` → `OK` (`hold`). */
  holdReply: 1.1,

  /** `t_uac_dlg` → the first leg rings. */
  firstLegRinging: 1.9,
  firstLegAnswer: 0.4,
  /** The first leg has answered → reply of `t_uac_dlg`. */
  answerReply: 0.3,
  /** That reply → the ACK, state 4. */
  firstLegAck: 0.5,
  /** `t_uac_dlg` → the script's refusal as a reply (`caller-404`). */
  refusalReply: 0.8,
  /** That reply → state 5 (`caller-404`). */
  refusalEnd: 0.5,
  /** State 5 → `408` as a reply (`caller-silent`). */
  timeoutReply: 0.7,

  /** `Accepted` → the phone's new INVITE reaches OpenSIPS: `start`. */
  newCallInvite: 1.3,
  /** `start`, or the script's refusal → the phone hangs up the first leg. */
  firstLegHangUp: 1.1,
  newCallRinging: 0.4,
  newCallAnswer: 4.0,
  /** State 3 → `ok`. */
  transferOk: 0.2,
  /** `ok` → the ACK, state 4. */
  newCallAck: 3.8,
  /** State 5 → `fail` (`callee-decline`). */
  transferFail: 0.2,
  /** A SIP reply → the phone's NOTIFY about it (`start-ok-leg-kept`, `callee-decline`, `start-progress`). */
  transferNotify: 0.5,
  /** `fail` with 302, 401 or 407 → the phone's next INVITE (`callee-followed`). */
  followingInvite: 0.5,
  /** The script's refusal of the new call → state 5 (`callee-404`). */
  newCallRefusal: 0.1,

  /** Reply of `dlg_end_dlg` → state 5. */
  dialogEnd: 0.3,
  /** Reply of `call_hold` → `start` (`hold`). */
  holdStart: 0.3,
  /** `start` → `ok` (`hold`). */
  holdResult: 0.5,
} as const;

/** The delays of one simulator, in milliseconds. */
export type Delays = Readonly<Record<keyof typeof DELAYS_MS, number>>;

/** Returns the recorded delays times `factor`; 0 is as fast as possible. */
export function scaleDelays(factor: number): Delays {
  const scaled: Record<keyof typeof DELAYS_MS, number> = { ...DELAYS_MS };
  for (const name of Object.keys(DELAYS_MS) as (keyof typeof DELAYS_MS)[])
    scaled[name] = DELAYS_MS[name] * factor;
  return scaled;
}

/** OpenSIPS's timers in milliseconds. The delay factor does not scale them. */
export type Timers = {
  /** How long a request waits for any reply: `fr_timeout` of the tm module. */
  readonly frTimeoutMs: number;
  /** How long a phone may ring without an answer: `fr_inv_timeout` of the tm module. */
  readonly frInvTimeoutMs: number;
  /** How long `dlg_list` still lists a dialog that has ended (between 4.4 and 6 s in `end-mid-transfer`). */
  readonly listedAfterEndMs: number;
};

/** The values of opensips.cfg. */
export const DEFAULT_TIMERS: Timers = {
  frTimeoutMs: 5_000,
  frInvTimeoutMs: 30_000,
  listedAfterEndMs: 5_000,
};
