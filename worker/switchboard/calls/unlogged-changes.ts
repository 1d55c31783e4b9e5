/**
 * Carries changes of calls that are not in the log through a hibernation, in the attachment of the adapter's socket. A call that nobody
 * watches costs a row at its beginning and one at its end; the few changes in between need none of their own this way. A crash loses
 * the attachments, so what a client was shown is written before.
 * @module
 */
import { parseJson } from '../../../shared/protocol/exact-json.ts';
import { type AdapterSocket, attach, attachmentOf, isLive } from '../sockets/attachments.ts';
import type { CommandLog } from '../store/command-log.ts';
import type { CarriedLine } from './call-lines.ts';
import type { UnloggedLines } from './call-writer.ts';

/**
 * Characters that an attachment carries: some ten calls. The platform allows 16,384 bytes, a character may have two, and the rest of
 * the attachment has up to 2,500 characters.
 */
const MAX_CHARACTERS = 5_000;

/** Calls that are carried at most. Each change converts all of them to text. */
const MAX_LINES = 16;

/**
 * Has the socket of the adapter carry what is not logged, in place of what it has carried before. Returns whether it can: otherwise it
 * must be written.
 * @param socket undefined if no adapter is connected
 */
export function carryUnlogged(socket: WebSocket | undefined, { after, lines }: UnloggedLines): boolean {
  const attachment = socket && isLive(socket) ? attachmentOf(socket) : undefined;
  if (!socket || attachment?.kind !== 'adapter') return lines.length === 0;
  if (lines.length > MAX_LINES) return false;
  const text = lines.length === 0 ? '' : JSON.stringify({ after, lines });
  if (text.length > MAX_CHARACTERS) return false;
  if (text !== (attachment.unlogged ?? '')) attach(socket, { ...attachment, unlogged: text });
  return true;
}

/** Returns the lines that the socket of an adapter has carried, unless they are in the log; and the highest number among them. */
export function carriedLines(
  sockets: readonly WebSocket[],
  log: CommandLog,
): { readonly lines: readonly CarriedLine[]; readonly lastSeq: number } {
  const after = log.lastCallsPosition;
  const carried = sockets
    .map(attachmentOf)
    .filter((attachment): attachment is AdapterSocket => attachment?.kind === 'adapter')
    .sort((one, other) => one.connectedAt - other.connectedAt)
    .flatMap(({ unlogged = '' }) => (unlogged === '' ? [] : [parseJson(unlogged) as UnloggedLines]))
    .findLast((each) => each.after === after);
  const lines = carried?.lines ?? [];
  return { lines, lastSeq: Math.max(0, ...lines.map(({ call }) => call.seq)) };
}
