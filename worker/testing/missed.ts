/** What a client has missed, read to its end at once. @module */
import { SCOPES } from '../../shared/policy/policy.ts';
import type { Calls } from '../switchboard/calls/calls.ts';
import type { CallChange } from '../switchboard/calls/change-recorder.ts';
import { CallReader } from '../switchboard/replay/call-reader.ts';
import { CommandReader } from '../switchboard/replay/command-reader.ts';
import type { ReplayReader } from '../switchboard/replay/replay-reader.ts';
import type { ClientSocket } from '../switchboard/sockets/attachments.ts';
import type { CommandLog, LoggedNotification } from '../switchboard/store/command-log.ts';

/** A client that watches all calls. */
const WATCHER: ClientSocket = {
  kind: 'client',
  subject: 'me',
  session: 'one',
  key: 'key-1',
  scopes: SCOPES,
  watches: { all: true, callids: [] },
};

/** Returns the changes of calls after a number; undefined if they are not all in the log. */
export function changesSince(
  calls: Calls,
  log: CommandLog,
  since: number,
): readonly CallChange[] | undefined {
  if (!calls.keepsChangesSince(since)) return undefined;
  const reader = new CallReader(
    log,
    () => WATCHER,
    (seq) => calls.noteUnlogged(seq),
  );
  reader.add(undefined, since);
  return readAll(reader) as readonly CallChange[] | undefined;
}

/** Returns the notifications of a session after a number; undefined if they are not all in the log. */
export function notificationsSince(
  log: CommandLog,
  subject: string,
  session: string | undefined,
  since: number,
): readonly LoggedNotification[] | undefined {
  if (!log.keepsNotificationsSince(since)) return undefined;
  const reader = new CommandReader(log, { subject, session }, since);
  return readAll(reader) as readonly LoggedNotification[] | undefined;
}

/** Reads the log to its end, in pages of so many bytes. */
export function readAll(reader: ReplayReader, pageBytes = 262_144) {
  const items = [];
  for (let page = reader.read(pageBytes); page; page = reader.read(pageBytes)) {
    items.push(...page.items);
    if (page.isLast) return items;
  }
  return undefined;
}
