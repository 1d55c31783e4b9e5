/**
 * How long things take, in milliseconds: the pauses between the datagrams of trace `start-ok`,
 * or of the trace that is named beside the number.
 */
export const GAPS = {
  /** `dlg_end_dlg` → its reply. Commands of the core take no longer than a datagram does. */
  endReply: 0.8,
  listReply: 1.1,
  /** `call_transfer` → `Accepted`. */
  transferReply: 1.1,
  /** `call_hold` → `OK` (`hold`). */
  holdReply: 1.1,

  /** `t_uac_dlg` → the first leg rings. */
  firstRings: 1.9,
  firstAnswers: 0.4,
  /** The first leg has answered → reply of `t_uac_dlg`. */
  answerReply: 0.3,
  /** That reply → the ACK, state 4. */
  firstAcknowledged: 0.5,
  /** `t_uac_dlg` → the script's refusal as a reply (`caller-404`). */
  refusalReply: 0.8,
  /** That reply → state 5 (`caller-404`). */
  refusalEnds: 0.5,
  /** State 5 → `408` as a reply (`caller-silent`). */
  timeoutReply: 0.7,

  /** `Accepted` → the phone's new INVITE reaches OpenSIPS: `start`. */
  newCall: 1.3,
  /** `start`, or the script's refusal → the phone hangs the first leg up. */
  firstLegEnds: 1.1,
  newRings: 0.4,
  newAnswers: 4.0,
  /** State 3 → `ok`. */
  ok: 0.2,
  /** `ok` → the ACK, state 4. */
  newAcknowledged: 3.8,
  /** State 5 → `fail` (`callee-decline`). */
  fail: 0.2,
  /** The phone's NOTIFY after the SIP reply that it tells of (`start-ok-leg-kept`, `callee-decline`, `start-progress`). */
  notify: 0.5,
  /** The script's refusal of the new call → state 5 (`callee-404`). */
  newRefused: 0.1,

  /** Reply of `dlg_end_dlg` → state 5. */
  ends: 0.3,
  /** Reply of `call_hold` → `start` (`hold`). */
  holdStarts: 0.3,
  /** `start` → `ok` (`hold`). */
  holdEnds: 0.5,
} as const;

/** The pauses of one simulator. */
export type Gaps = Readonly<Record<keyof typeof GAPS, number>>;

/** The recorded pauses times `factor`; 0 is as fast as possible. */
export function scaledGaps(factor: number): Gaps {
  const scaled: Record<keyof typeof GAPS, number> = { ...GAPS };
  for (const name of Object.keys(GAPS) as (keyof typeof GAPS)[]) scaled[name] = GAPS[name] * factor;
  return scaled;
}

/** OpenSIPS's timers, in milliseconds. They are not scaled. */
export type Timers = {
  /** Nothing at all comes back to an INVITE: tm's `fr_timeout` in opensips.cfg. */
  readonly unanswered: number;
  /** It rings and nobody answers: tm's `fr_inv_timeout` in opensips.cfg. */
  readonly ringing: number;
  /** How long a dead dialog is still listed (between 4.4 and 6 s in `end-mid-transfer`). */
  readonly listedAfterEnd: number;
};

/** As in opensips.cfg. */
export const TIMERS: Timers = { unanswered: 5_000, ringing: 30_000, listedAfterEnd: 5_000 };
