/** Restores calls from their log and from what a hibernation has carried beside it. @module */
import type { CallCorrelator } from '../../../shared/calls/call-correlator.ts';
import type { CallIndex } from './call-index.ts';
import type { CallLog } from './call-log.ts';
import {
  applyLine,
  type CallRecord,
  type LineOfCall,
  lastUnloggedSeq,
  prependHistory,
} from './call-record.ts';
import type { ChangeRecorder } from './change-recorder.ts';

/** What the calls of a site are kept in. */
export interface CallStores {
  readonly correlator: CallCorrelator<CallRecord>;
  readonly index: CallIndex;
  readonly log: CallLog;
  readonly recorder: ChangeRecorder;
}

/** Applies a line of the log. Returns the record if it is a new one, which {@link CallIndex.sort} must put into its place. */
export function restoreLine(
  { correlator, recorder }: CallStores,
  line: LineOfCall,
): [CallRecord, isNew: boolean] {
  const known = correlator.get(line.call.callid);
  const record = applyLine(line, known);
  if (!known) correlator.restore(record);
  recorder.noteUnlogged(lastUnloggedSeq(line));
  return [record, !known];
}

/**
 * Reads what the restore has left out: calls that had ended, and the beginnings of those that have ended since. Returns whether there
 * was something to read.
 */
export function loadHistory({ correlator, index, log, recorder }: CallStores): boolean {
  if (log.unreadBefore === 0) return false;
  for (const past of log.readHistory((line) => recorder.noteUnlogged(lastUnloggedSeq(line)))) {
    const known = correlator.get(past.call.callid);
    if (known) {
      prependHistory(known, past);
    } else if (past.call.state === 'ended') {
      correlator.restore(past);
      index.addEnded(past);
    }
  }
  index.sort();
  return true;
}

/** Applies a line that was not written before a hibernation. Its changes are still to be logged; metadata and origin always are. */
export function restoreUnlogged(
  { correlator, recorder }: CallStores,
  line: LineOfCall,
): CallRecord | undefined {
  const record = correlator.get(line.call.callid);
  if (!record) return undefined;
  const { loggedCount } = record;
  const lengthBefore = record.timeline.length;
  applyLine(line, record);
  // A timeline that was full has lost entries that are in the log.
  const added = 'event' in line ? 1 + (line.before?.length ?? 0) : 0;
  const lost = lengthBefore + added - record.timeline.length;
  record.loggedCount = loggedCount - lost;
  recorder.noteUnloggedState(record);
  return record;
}
