/**
 * The timeouts and intervals of commands, in milliseconds. Every wait of a command is limited by one of them, so no
 * command hangs.
 * @module
 */

/**
 * For the reply to an INVITE. It exceeds tm's `fr_timeout` + `fr_inv_timeout`, which are 30 s + 120 s by default. How
 * long the caller's phone rings is limited before that, by `CALLER_TIMEOUT` in `protocol/rpc/commands.ts`.
 */
export const INVITE_TIMEOUT_MS = 180_000;
/**
 * For an INVITE, a REFER or a re-INVITE to be sent: a phone that rings later than this after the click surprises its owner. A link that
 * is connected takes milliseconds, and one that reconnects at once 0.5 s and more.
 */
export const SEND_TIMEOUT_MS = 5_000;
/** For any other MI reply. One takes about a millisecond on loopback. */
export const MI_TIMEOUT_MS = 5_000;
/**
 * For an adapter to read the list of all dialogs, which it spreads over some 5 s. A busy machine takes half a minute for a list of 20,000,
 * and a round that is given up begins again. The reply of an adapter that is lost is not waited for: it connects again.
 */
export const LIST_TIMEOUT_MS = 60_000;
/** For the reply to `dlg_end_dlg`. It is short because the request can be repeated, so a lost datagram costs little. */
export const END_DIALOG_TIMEOUT_MS = 1_500;
/**
 * For the reply to an INVITE after an event has shown the dialog as answered; seen 0.3 ms apart. After this time the
 * dialog is read.
 */
export const INVITE_REPLY_GRACE_MS = 1_000;
/** Between two reads of a dialog whose events may be lost. For a transferred call it doubles up to the maximum. */
export const DIALOG_POLL_INTERVAL_MS = 5_000;
export const MAX_DIALOG_POLL_INTERVAL_MS = 20_000;
/** Before the first read of a new call that OpenSIPS could not match to its transfer: few of its events will come. */
export const UNMATCHED_POLL_DELAY_MS = 1_000;
/**
 * For dialog state 4 (acknowledged) after the reply to the INVITE. After this time the REFER is sent without it.
 * Upstream always sleeps for this long.
 */
export const ACK_TIMEOUT_MS = 500;
/** For a new call after `Accepted`. Without one the phone has rejected the REFER, for which there is no event. */
export const NEW_CALL_TIMEOUT_MS = 10_000;
/**
 * Before the first search for a new call in the list of dialogs. The new INVITE can follow the end of the old dialog by
 * 20 ms (trace `start-unmatched`) or more. The delay doubles with each search.
 */
export const SEARCH_DELAY_MS = 300;
/** For the list of dialogs that decides a transfer while the link is down: the longest time to reconnect. */
export const FINAL_SEARCH_TIMEOUT_MS = 60_000;
/** How often a REFER is requested while no adapter is connected, {@link MI_TIMEOUT_MS} each. */
export const MAX_REFER_ATTEMPTS = 6;
/** For the destination of a transfer to answer. */
export const DESTINATION_TIMEOUT_MS = 120_000;
/** For the event with the outcome of a transfer after the dialog has shown it; seen 0.2 to 1 ms apart. */
export const OUTCOME_EVENT_TIMEOUT_MS = 300;
/** For re-INVITEs. SIP's own limit is 32 s (RFC 3261 timer B, 64 × T1). */
export const REINVITE_TIMEOUT_MS = 35_000;
/** For the events of the other leg after one leg is on hold or off hold. */
export const HOLD_QUIET_MS = 300;
/**
 * For the caller's phone to go on with the same Call-ID after a 401, 407 or 3xx, which it does within milliseconds (trace
 * `callee-followed`), unless it asks its user.
 */
export const FOLLOW_UP_TIMEOUT_MS = 3_000;
/** For an event of a transfer's new call after a call was refused that may be this one; seen up to 8 ms apart. */
export const REFUSAL_GRACE_MS = 200;
/** For the end of a replaced call after the new one is answered: its phone hangs up after 20 ms (trace `attended`). */
export const REPLACED_CALL_TIMEOUT_MS = 2_000;
/** How often a REFER is requested for a call whose ACK has not arrived, {@link ACK_TIMEOUT_MS} apart. */
export const MAX_READY_ATTEMPTS = 5;
/** For the reply to a request within a dialog, beyond the time that OpenSIPS waits for the phone. */
export const IN_DIALOG_MARGIN_MS = MI_TIMEOUT_MS;
/**
 * Before a re-INVITE is repeated that has crossed one of the phone: RFC 3261 §14.1 has 2.1 to 4 s for the side that has
 * chosen the Call-ID, and 0 to 2 s for the other one.
 */
export const GLARE_DELAY_MS = 2_500;
/**
 * Waits of up to this long end by a timer in memory, on time: an alarm can be a minute late, and the output of a turn that moves one
 * forward waits for it. No alarm is set for an earlier time, so the one behind the timers is hardly ever moved.
 */
export const LONGEST_TIMER_MS = 2_000;
/** For the end of all legs. After this time the client receives `Ended` without it. */
export const CLEANUP_TIMEOUT_MS = 2_000;
/** Before the request to end a dialog is repeated. It doubles up to the maximum. */
export const END_RETRY_DELAY_MS = 500;
export const MAX_END_RETRY_DELAY_MS = 8_000;
/** For the end of a leg that cannot be canceled yet: the longest life of an INVITE, and 20 s more. */
export const CLEANUP_GIVE_UP_MS = INVITE_TIMEOUT_MS + 20_000;
