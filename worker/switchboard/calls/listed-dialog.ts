/** What a dialog of a reconciliation round tells of its call. @module */
import type { CallCorrelator } from '../../../shared/calls/call-correlator.ts';
import type { Dialog } from '../../../shared/opensips/mi.ts';
import { hashOf } from '../../objects/text-hash.ts';
import type { CallRecord } from './call-record.ts';

/**
 * Applies a dialog of a page, and returns its call; undefined if the dialog has ended. A round lists thousands of calls, and seldom has
 * one of them changed: the others are not opened.
 */
export function applyListed(
  correlator: CallCorrelator<CallRecord>,
  dialog: Dialog,
  now: number,
): CallRecord | undefined {
  const hash = hashOf(JSON.stringify(dialog));
  const known = correlator.inMemory(dialog.callid);
  if (known?.isListedAs(hash)) {
    known.seenAt = now;
    return known;
  }
  const record = correlator.onDialog(dialog, undefined, now);
  record?.onListed(hash);
  return record;
}
