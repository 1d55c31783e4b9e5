/** What a turn of the runner leaves for its owner to do. @module */
import type { LogRow } from './log-rows.ts';
import type { OutgoingRequest } from './mi-requests.ts';
import type { Command, Notification } from './stored-command.ts';

/** The output of a turn: rows to store, then requests and notifications to send. */
export interface TurnOutput {
  readonly rows: readonly LogRow[];
  readonly requests: readonly OutgoingRequest[];
  readonly notifications: readonly CommandNotification[];
}

/** A notification for the session of a command. */
export interface CommandNotification {
  readonly command: Command;
  readonly notification: Notification;
  /** It was sent before, to another session. */
  readonly isResent?: true;
}
