/** How the phones of the OpenSIPS model behave. @module */

/** How the phones of a call behave. Times are in milliseconds; `null` is never. */
export interface PhoneBehavior {
  /** The phone of the first leg. */
  readonly ringsAfterMs: number | null;
  readonly answersAfterMs: number | null;
  readonly finalStatus: string;
  /** It answers at the moment when the CANCEL arrives. */
  readonly answersOnCancel: boolean;
  /** When it starts its new call after the REFER. For a phone that rejects the REFER there is no event. */
  readonly actsOnReferAfterMs: number | null;
  /** When it hangs up the transferred call. */
  readonly hangsUp: 'never' | 'before the new call' | 'after the new call started';
  /** It strips parameters from To, including `osid`. */
  readonly stripsParameters: boolean;
  /** It reports the progress of its new call with NOTIFY. */
  readonly sendsNotify: boolean;
  /** The routing script rejects the destination, for which there is no E_CALL_TRANSFER. */
  readonly isDestinationRejected: boolean;
  /** The phone of the destination. */
  readonly calleeRingsAfterMs: number | null;
  readonly calleeAnswersAfterMs: number | null;
  readonly calleeFinalStatus: string;
  /** The outcome of a re-INVITE to the caller and to the callee; `null` if there is no response. */
  readonly reinviteOutcomes: readonly ['ok' | 'fail' | null, 'ok' | 'fail' | null];
}
