/** Who ended a call, and why: gathered from commands and from events of the script, which come before or after the end. @module */
import type { Leg } from '../opensips/evi.ts';
import type { Call, EndCause } from './call.ts';

/** What is known of the end of a call before it has ended. */
export interface EndEvidence {
  /** The reason to give when the call ends, as far as a command knows it. */
  endReason?: string;
  /** The SIP status line with which the call was refused. It counts only if the call is not answered after all. */
  refusal?: { readonly status: string; readonly by?: 'opensips' };
  /** The party that has hung up. */
  hungUpBy?: Leg;
  /** A command has requested the end of the call: without a reply so far, or with success. */
  endRequest?: 'pending' | 'confirmed';
}

/** Returns why a call ends that ends now. A party that hangs up is faster than a command that is still on its way. */
export function endCauseOf({ answered }: Call, evidence: EndEvidence): EndCause {
  const refusal = answered === undefined ? evidence.refusal : undefined;
  const by = evidence.hungUpBy ?? refusal?.by ?? (evidence.endRequest ? 'api' : undefined);
  const reason = evidence.endReason ?? refusal?.status;
  return { ...(reason === undefined ? {} : { reason }), ...(by === undefined ? {} : { by }) };
}

/** Forgets the evidence: it was about a dialog that has ended, and the call goes on in another one. */
export function clearEvidence(evidence: EndEvidence): void {
  delete evidence.endReason;
  delete evidence.refusal;
  delete evidence.hungUpBy;
  delete evidence.endRequest;
}

/**
 * Returns whether the caller's phone may go on with the same Call-ID after this status: it authenticates (401, 407), or follows a
 * redirection (RFC 3261 §8.1.3.4, §22).
 */
export function mayGoOn(status: string): boolean {
  return /^(3\d\d|401|407)\b/.test(status);
}
