/**
 * The calls of a site with their log, as the Switchboard has them: turns, commits, watchers, and the socket of the adapter that carries
 * what is not logged. It can hibernate, which keeps the socket, and crash, which does not.
 * @module
 */
import { type AdapterRequest, sentRequests } from '../../../shared/runner/mi-requests.ts';
import type { Command, Notification } from '../../../shared/runner/stored-command.ts';
import { DEFAULT_RETENTION } from '../../objects/retention.ts';
import type { CallLine, LinkLine } from '../../switchboard/calls/call-lines.ts';
import { Calls } from '../../switchboard/calls/calls.ts';
import type { CallChange } from '../../switchboard/calls/change-recorder.ts';
import { RECORDED_AFTER_WATCH_MS } from '../../switchboard/calls/change-recorder.ts';
import { MEMORY_LIMITS, type MemoryLimits } from '../../switchboard/calls/memory-limits.ts';
import { carriedLines, carryUnlogged } from '../../switchboard/calls/unlogged-changes.ts';
import { CommandLog } from '../../switchboard/store/command-log.ts';
import { changesSince } from '../missed.ts';
import type { MemorySql } from './memory-sql.ts';

/** Short, so that a history of some minutes has many segments. */
const RETENTION = {
  ...DEFAULT_RETENTION,
  segmentMs: 60_000,
  segmentPositions: 40,
  maxSegments: 3,
  segmentTtlMs: 120_000,
};

const EPOCH = 'epoch';

/** What a client receives when it begins to watch. */
export interface Watched {
  readonly seq: number;
  readonly isReset: boolean;
  readonly calls: readonly unknown[];
  readonly changes: readonly ShownChange[];
}

/** What clients see of a change. */
export type ShownChange =
  | Pick<LinkLine, 'seq' | 'link'>
  | Pick<CallLine, 'seq' | 'at' | 'event' | 'call' | 'data'>;

export class SimulatedSite {
  readonly sql: MemorySql;
  readonly #memory: MemoryLimits;
  calls!: Calls;
  /** The number of the reconciliation round. */
  round = 0;
  /** Running commands by `cmd_id`. */
  readonly commands = new Map<string, Command>();
  /** The numbers of clients that watch. */
  readonly watching = new Set<number>();
  /** Changes that watchers were sent by the last commit. */
  sent: readonly ShownChange[] = [];
  #store!: CommandLog;
  #socket = adapterSocket();
  #recordUntil = 0;
  #nextSeq = 1;
  #changedCommands = new Set<Command>();
  #requests: AdapterRequest[] = [];

  constructor(sql: MemorySql, memory = MEMORY_LIMITS) {
    this.sql = sql;
    this.#memory = memory;
    this.#restore();
  }

  /** The last number that was taken. */
  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  /** The first position that is surely kept. */
  get firstKept(): number {
    return this.#store.segments.firstKept;
  }

  /** Ends a turn without output: nothing is written now. Returns whether the object must stay awake to write soon. */
  endTurn(now: number): boolean {
    if (this.calls.hasOutput) this.commit(now);
    return this.calls.hasUnwritten || !carryUnlogged(this.#socket, this.calls.unlogged);
  }

  /** Writes, as `CommitQueue` does, and notes what is sent to watchers. */
  commit(now: number): void {
    const commands = [...this.#changedCommands];
    this.#changedCommands.clear();
    if (commands.length > 0) {
      const position = this.#nextSeq++;
      for (const command of commands) command.position = position;
      const restoreFrom = this.#commandsFrom(position);
      const lines = this.calls.takeLinesForCommands();
      const along = lines.length > 0 ? { calls: lines } : {};
      this.#store.append({ position, commands, restoreFrom, applied: [], at: now, ...along }, now);
    }
    this.calls.write(this.#commandsFrom(this.lastSeq), now);
    const changes = this.calls.takeChanges();
    this.sent = this.watching.size > 0 ? changes.map(shownOf) : [];
    this.calls.onRequestsSent(this.#requests.splice(0));
    if (carryUnlogged(this.#socket, this.calls.unlogged)) return;
    this.calls.requestWriteOfAll();
    this.calls.write(this.#commandsFrom(this.lastSeq), now);
    carryUnlogged(this.#socket, this.calls.unlogged);
  }

  /** Hibernates: everything is constructed again from the storage and the attachments. */
  hibernate(): void {
    this.#socket = this.#socket && adapterSocket(structuredClone(this.#socket.deserializeAttachment()));
    this.#restore();
  }

  /** Crashes: all sockets are lost. */
  crash(now: number): void {
    this.#socket = undefined;
    this.sent = [];
    this.#requests = [];
    this.#changedCommands.clear();
    if (this.watching.size > 0) this.#recordUntil = now + RECORDED_AFTER_WATCH_MS;
    this.watching.clear();
    this.commands.clear();
    this.#nextSeq = 1;
    this.#restore();
    this.#socket = adapterSocket();
  }

  /** Returns a site that finds this storage as it is now, and what is not in it. */
  fork(): SimulatedSite {
    const fork = new SimulatedSite(this.sql.clone(), { ...MEMORY_LIMITS, maxText: this.#memory.maxText });
    fork.round = this.round;
    fork.#recordUntil = this.#recordUntil;
    fork.calls.recordUntil(this.#recordUntil);
    fork.#nextSeq = this.#nextSeq;
    return fork;
  }

  setPlugged(isPlugged: boolean): void {
    this.#socket = isPlugged ? (this.#socket ?? adapterSocket()) : undefined;
  }

  get isPlugged(): boolean {
    return this.#socket !== undefined;
  }

  start(command: Omit<Command, 'id'>, request: AdapterRequest['params'] | undefined, now: number): void {
    const started = { ...structuredClone(command), id: this.#nextSeq++ };
    this.commands.set(started.cmdId, started);
    this.#changedCommands.add(started);
    if (request) {
      const pending = {
        number: 0,
        command: { method: 'dlg_end_dlg', params: request },
        deadline: 0,
        stream: 's',
      };
      Object.assign(started.pendingRequests, { end: pending });
    }
    this.calls.onCommandStarted(started, now);
    for (const each of sentRequests(EPOCH, started))
      this.#requests.push({ ...each, timeout_ms: 0, ttl_ms: 0 } as AdapterRequest);
    this.commit(now);
  }

  /** A command sends a notification. With `Ended` it has ended. */
  notify(cmdId: string, content: Omit<Notification, 'seq'>, now: number): void {
    const command = this.commands.get(cmdId);
    if (!command) throw new Error(`${cmdId} does not run`);
    const notification = { seq: this.#nextSeq++, ...content };
    command.notifications.push(notification);
    this.#changedCommands.add(command);
    if (content.event === 'Ended') {
      command.state = null;
      this.commands.delete(cmdId);
    }
    this.calls.onNotification(command, notification, now);
    this.commit(now);
  }

  /** OpenSIPS replies to the request of a CallEnd. */
  reply(cmdId: string, error: { code: number; message: string } | undefined, now: number): void {
    const command = this.commands.get(cmdId);
    if (!command?.pendingRequests['end']) return;
    const [sent] = sentRequests(EPOCH, command);
    delete command.pendingRequests['end'];
    this.#changedCommands.add(command);
    if (sent) this.calls.onReply(error ? { id: sent.id, error } : { id: sent.id }, now);
    this.commit(now);
  }

  watch(client: number, since: number | undefined, now: number): Watched {
    this.show(now);
    const changes = since !== undefined && since <= this.lastSeq ? this.changesSince(since) : undefined;
    const seq = this.calls.takeSeq();
    this.watching.add(client);
    this.calls.setWatched(true, now);
    const { calls } = this.calls.list({ states: ['ringing', 'answered', 'held', 'transferring'] }, 99);
    this.commit(now);
    return { seq, isReset: since !== undefined && !changes, calls, changes: (changes ?? []).map(shownOf) };
  }

  /** Returns the changes of calls after a number; undefined if they are not all in the log. */
  changesSince(since: number): readonly CallChange[] | undefined {
    return changesSince(this.calls, this.#store, since);
  }

  unwatch(client: number, now: number): void {
    if (!this.watching.delete(client)) return;
    if (this.watching.size === 0) this.#recordUntil = now + RECORDED_AFTER_WATCH_MS;
    this.calls.setWatched(this.watching.size > 0, now);
  }

  /** Writes what a query is about to show. */
  show(now: number): void {
    this.calls.requestWriteOfAll();
    this.commit(now);
  }

  trim(now: number): void {
    this.#store.segments.trim(now, this.#commandsFrom(Number.POSITIVE_INFINITY));
  }

  #commandsFrom(position: number): number {
    return Math.min(position, ...Array.from(this.commands.values(), (command) => command.position));
  }

  #restore(): void {
    this.#store = new CommandLog(this.sql.storage, RETENTION);
    const { position, running } = this.#store.restore();
    const sockets = this.#socket ? [this.#socket] : [];
    const carried = carriedLines(sockets, this.#store);
    this.#nextSeq = Math.max(position, carried.lastSeq + 1);
    this.calls = new Calls(this.#store, () => this.#nextSeq++, this.#memory);
    this.calls.restoreUnlogged(carried.lines);
    this.calls.recordUntil(this.#recordUntil);
    this.calls.setWatched(this.watching.size > 0, 0);
    this.round = 0;
    this.commands.clear();
    for (const command of structuredClone(running)) {
      this.commands.set(command.cmdId, command);
      this.calls.onCommandRestored(command, sentRequests(EPOCH, command));
    }
  }
}

/** Returns what clients see of a change. */
export function shownOf(change: CallChange): ShownChange {
  if ('link' in change) return { seq: change.seq, link: change.link };
  const { seq, at, event, call, data } = change;
  return { seq, at, event, call, data };
}

/** Returns the socket of an adapter, of which only the attachment is used. */
function adapterSocket(
  attachment: unknown = { kind: 'adapter', key: 'key', connectedAt: 0 },
): WebSocket | undefined {
  let stored = attachment;
  return {
    readyState: 1,
    serializeAttachment: (value: unknown) => {
      stored = structuredClone(value);
    },
    deserializeAttachment: () => stored,
  } as unknown as WebSocket;
}
