/** Restores calls from their log and from what a hibernation has carried beside it. @module */
import type { CallCorrelator } from '../../../shared/calls/call-correlator.ts';
import type { CallIndex } from './call-index.ts';
import { type CarriedLine, contentOf, firstSeqOf, type LineOfCall, stateOf } from './call-lines.ts';
import type { CallLog } from './call-log.ts';
import { CallRecord } from './call-record.ts';
import type { ChangeRecorder } from './change-recorder.ts';
import type { CheckpointCall } from './checkpoint.ts';
import type { OpenCalls } from './open-calls.ts';

/** What the calls of a site are kept in. */
export interface CallStores {
  readonly correlator: CallCorrelator<CallRecord>;
  readonly index: CallIndex;
  readonly log: CallLog;
  readonly recorder: ChangeRecorder;
  readonly openCalls: OpenCalls;
}

/** Returns the record of an active call in a checkpoint, which {@link CallIndex.sort} must put into its place. */
export function restoreStored(
  { correlator, index, openCalls }: CallStores,
  call: CheckpointCall,
): CallRecord {
  const record = CallRecord.fromCheckpoint(openCalls, call);
  correlator.restore(record.callid, record);
  index.add(record);
  return record;
}

/** Returns the record of the newest line of a call, which {@link CallIndex.sort} must put into its place. */
export function restoreLine({ correlator, openCalls }: CallStores, line: LineOfCall): CallRecord {
  const record = CallRecord.fromLine(openCalls, contentOf(line), line.seq);
  record.firstSeq = firstSeqOf(line);
  correlator.restore(record.callid, record);
  return record;
}

/** Reads an ended call that is not in memory. Returns undefined if it is not kept, or not known to have ended. */
export function readEnded({ index, log, openCalls }: CallStores, callid: string): CallRecord | undefined {
  const ended = log.endedCalls.get(callid);
  const line = ended && log.rows.lineOf(ended.position, callid);
  if (!line) return undefined;
  const record = CallRecord.fromLine(openCalls, contentOf(line), line.seq);
  Object.assign(record, ended);
  index.addEnded(record);
  return record;
}

/** Forgets the calls that ended before a log position, and takes those out of memory that are too many. */
export function pruneCalls(
  { correlator, index, log, recorder, openCalls }: CallStores,
  position: number,
): void {
  for (const record of index.prune(position)) {
    correlator.remove(record.callid);
    recorder.forgetUnlogged(record);
    openCalls.forget(record);
  }
  log.endedCalls.prune(position);
}

/** Applies a line that was not written before a hibernation. Its changes are still to be logged; metadata and origin always are. */
export function restoreUnlogged(
  { correlator, recorder }: CallStores,
  line: CarriedLine,
): CallRecord | undefined {
  const record = correlator.get(line.call.callid);
  if (!record) return undefined;
  record.applyState(stateOf(line));
  for (const entry of line.entries) record.addEntry(entry);
  recorder.noteUnloggedState(record);
  return record;
}
