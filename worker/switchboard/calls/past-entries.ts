/** The end of a call is kept with its whole timeline, although older segments of the log are dropped before it. @module */
import { type CallRecord, isChange, type LogLine } from './call-record.ts';

/**
 * Returns the line of an ended call with the entries of earlier lines, if those are in an older segment; other lines as they are. An
 * active call is copied before a segment is dropped, so that only ended calls need it.
 * @param segmentFirst the first position of the segment to which the line is written
 * @param findWhole finds a call with its whole timeline, which contains the entries of the line
 */
export function withPast(
  line: LogLine,
  segmentFirst: number,
  findWhole: (callid: string) => CallRecord | undefined,
): LogLine {
  if (!isChange(line) || line.call.state !== 'ended' || (line.first ?? segmentFirst) >= segmentFirst)
    return line;
  const record = findWhole(line.call.callid);
  const { seq: oldest } = line.before?.[0] ?? line;
  const past = record?.isPartial === false ? record.timeline.filter(({ seq }) => seq < oldest) : [];
  return past.length > 0 ? { ...line, past } : line;
}
