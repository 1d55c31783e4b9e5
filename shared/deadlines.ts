/**
 * How long a command waits for what, in milliseconds. Each wait has its bound, so no command hangs.
 * @module
 */

/**
 * For the answer to an INVITE: tm's `fr_timeout` + `fr_inv_timeout`, 30 s + 120 s by default, and some. How long
 * the caller may ring is decided before, by {@link CALLER_TIMEOUT} in `methods.ts`.
 */
export const INVITE_MS = 180_000;
/** For any other MI reply; it takes about a millisecond on loopback. */
export const MI_MS = 5_000;
/** For the answer to `dlg_end_dlg`, which may be asked again: short, so that a lost datagram costs little. */
export const END_MS = 1_500;
/** For the reply of an INVITE whose dialog says that it is answered; seen 0.3 ms apart. Then the dialog is read. */
export const OVERDUE_MS = 1_000;
/** Between two looks at a call whose events may be lost; it doubles up to the longest. */
export const LOOK_MS = 5_000;
export const LOOK_LONGEST_MS = 20_000;
/**
 * For dialog state 4 after the INVITE's answer, then the REFER goes out without it. Upstream always sleeps so
 * long.
 */
export const ACKNOWLEDGED_MS = 500;
/** After `Accepted` something must happen, or the phone refused the REFER: no event says so. */
export const TAKEN_MS = 10_000;
/** For the list of dialogs that decides a transfer, where the link is down: as long as it may take to come back. */
export const LAST_SEARCH_MS = 60_000;
/** How often a REFER that found no adapter waits for one, {@link MI_MS} each. */
export const REFER_TRIES = 6;
/** For the destination of a transfer to answer. */
export const CALLEE_MS = 120_000;
/** For a re-INVITE: 32 s is SIP's own limit (RFC 3261 timer B, 64 × T1). */
export const REINVITE_MS = 35_000;
/** A phone's new INVITE may follow the end of its old dialog by so much (`start-unmatched`: 20 ms) and more. */
export const QUIET_MS = 300;
/** A dialog's state tells how a transfer ended where its event is lost; seen 0.2 to 1 ms apart. */
export const VERDICT_MS = 300;
/** `Ended` waits so long for the legs to be ended. */
export const CLOSING_MS = 2_000;
/** First pause before a leg that could not be ended yet is asked for again; it doubles up to the longest. */
export const AGAIN_MS = 500;
export const AGAIN_LONGEST_MS = 8_000;
/** A leg that cannot be cancelled is followed so long: an INVITE's longest life. */
export const LINGER_MS = INVITE_MS + 20_000;
