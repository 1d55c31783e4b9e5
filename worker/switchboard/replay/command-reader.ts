/** Reads the notifications of a session, or of all sessions of a subject, from the log of commands. @module */
import type { Command } from '../../../shared/runner/stored-command.ts';
import type { CommandLog, LoggedNotification } from '../store/command-log.ts';
import type { OrderedReader, ReplayPage } from './replay-reader.ts';

/** Whose notifications are read; without a session, those of all sessions of the subject. */
export interface CommandFilter {
  readonly subject: string;
  readonly session?: string | undefined;
}

/**
 * Each row has commands with all their notifications so far, and a turn of the site writes rows with consecutive positions, after it has
 * numbered its notifications. So rows with consecutive positions are sorted together; then all is in order.
 */
export class CommandReader implements OrderedReader {
  readonly #log: CommandLog;
  readonly #filter: CommandFilter;
  readonly #text: string;
  readonly #since: number;
  #after: number;
  #upTo: number;
  /** What rows with consecutive positions have had so far. */
  #group: LoggedNotification[] = [];
  /** By the id of each running command, the last notification that has been read. */
  readonly #lastSeqs = new Map<number, number>();

  /** @param since reads the notifications after this number */
  constructor(log: CommandLog, filter: CommandFilter, since: number) {
    this.#log = log;
    this.#filter = filter;
    const { subject, session } = filter;
    this.#text =
      session === undefined ? `"subject":${JSON.stringify(subject)}` : `"session":${JSON.stringify(session)}`;
    this.#since = since;
    this.#after = since;
    this.#upTo = since;
  }

  get upTo(): number {
    return this.#upTo;
  }

  read(maxBytes: number): ReplayPage | undefined {
    if (this.#after < this.#log.segments.firstKept - 1) return undefined;
    const { rows, bytes, isLast } = this.#log.readPage('log', this.#after, [this.#text], maxBytes);
    const items: LoggedNotification[] = [];
    for (const { position, row } of rows) {
      if (position > this.#after + 1) items.push(...this.#takeGroup());
      this.#after = position;
      if (row !== null) this.#readRow(row);
    }
    if (isLast) items.push(...this.#takeGroup());
    return { items, bytes, isLast };
  }

  /** A command is about to follow that the session has taken over: its notifications are read from the first on. */
  readFromStart({ id }: Pick<Command, 'id'>): void {
    this.#lastSeqs.set(id, 0);
  }

  #takeGroup(): LoggedNotification[] {
    this.#upTo = this.#after;
    return this.#group.splice(0).sort((one, other) => one.notification.seq - other.notification.seq);
  }

  #readRow(row: string): void {
    const { subject, session } = this.#filter;
    for (const command of this.#log.commandsOf(row)) {
      if (command.subject !== subject || command.session !== (session ?? command.session)) continue;
      const last = this.#lastSeqs.get(command.id) ?? this.#since;
      for (const notification of command.notifications)
        if (notification.seq > last) this.#group.push({ command, notification });
      if (command.state)
        this.#lastSeqs.set(command.id, Math.max(last, command.notifications.at(-1)?.seq ?? 0));
      else this.#lastSeqs.delete(command.id);
    }
  }
}
