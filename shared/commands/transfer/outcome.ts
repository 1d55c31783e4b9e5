/** The end of a transfer. @module */
import type { Failure } from '../failures.ts';
import type { Transfer, TransferProgress } from './state.ts';

/** Upstream's text, which a SIP status line follows. */
export const FAILED = 'transfer failed with status ';

/** The transfer has succeeded. */
export function finish(transfer: Transfer): TransferProgress[] {
  transfer.phase = 'finished';
  const { newCallid = '', resolvedDestination } = transfer;
  return [{ type: 'answered', callid: newCallid, destination: resolvedDestination }];
}

export function fail(transfer: Transfer, failure: Failure): TransferProgress[] {
  transfer.phase = 'finished';
  return [{ type: 'failed', failure }];
}

/** Returns whether a SIP status line is that of a final response (RFC 3261 §7.2). */
export function isFinalStatus(status: string): boolean {
  return /^[2-6]\d\d/.test(status);
}
