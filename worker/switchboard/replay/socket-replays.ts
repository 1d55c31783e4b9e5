/** Begins the replays of sockets: of a session that resumes, of a watch, and of an event stream. @module */
import { notification as rpcNotification } from '../../../shared/protocol/rpc/jsonrpc.ts';
import type { Calls } from '../calls/calls.ts';
import type { Watchers } from '../calls/watchers.ts';
import { attachmentOf, type ClientSocket } from '../sockets/attachments.ts';
import type { ClientOutput } from '../sockets/client-output.ts';
import type { Sessions } from '../sockets/sessions.ts';
import type { CommandLog } from '../store/command-log.ts';
import { CallReader } from './call-reader.ts';
import { CommandReader } from './command-reader.ts';
import { MergedReader } from './merged-reader.ts';
import { type ReplayDependencies, Replays } from './replays.ts';

/**
 * A watcher that is further behind than so many numbers receives a new snapshot instead, which is shorter: an active call takes as much
 * as one of its changes, and a call takes some 20 numbers.
 */
export const MAX_MISSED_NUMBERS = 100_000;

interface Dependencies extends ReplayDependencies {
  readonly commandLog: CommandLog;
  readonly calls: Calls;
  readonly sessions: Sessions;
  readonly watchers: Watchers;
  readonly output: ClientOutput;
  /** Returns the last number that the site has taken. */
  readonly lastSeq: () => number;
}

/** What an event stream is sent when its commands have been replayed, but its calls cannot be: the active calls. */
export type SnapshotOf = (client: ClientSocket, seq: number) => object;

export class SocketReplays {
  readonly #deps: Dependencies;
  readonly #replays: Replays;
  /** The readers of watches: one for each socket that is sent missed changes. */
  readonly #callReaders = new WeakMap<WebSocket, CallReader>();

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
    this.#replays = new Replays(dependencies);
  }

  /** Sends a resuming session what it has missed, or that it is no longer kept. */
  resumeSession(socket: WebSocket, client: ClientSocket, since: number, now: number): void {
    const { commandLog, sessions } = this.#deps;
    if (!commandLog.keepsNotificationsSince(since)) {
      sessions.reset(socket, since);
      return;
    }
    const { subject, session } = client;
    const reader = new CommandReader(commandLog, { subject, session }, since);
    sessions.hold(socket, (command) => reader.readFromStart(command));
    const onCaughtUp = () => sessions.release(socket);
    this.#replays.begin({ socket, subject, reader, inBatches: false, onCaughtUp }, now);
  }

  /** Returns whether the changes after a number can be replayed. Otherwise the client needs a snapshot. */
  canResumeWatch(since: number): boolean {
    const { calls, lastSeq } = this.#deps;
    const last = lastSeq();
    return since <= last && last - since <= MAX_MISSED_NUMBERS && calls.keepsChangesSince(since);
  }

  /**
   * Sends a watcher the changes after a number. Call it before the socket watches them.
   * @param callid the only call that it watches; undefined for all calls
   */
  resumeWatch(
    socket: WebSocket,
    client: ClientSocket,
    callid: string | undefined,
    since: number,
    now: number,
  ): void {
    const { watchers } = this.#deps;
    const running = this.#readerOf(socket);
    if (running) {
      running.add(callid, since);
      return;
    }
    const reader = this.#createCallReader(socket);
    const receivedUpTo = watchers.hold(socket);
    const { all = false, callids = [] } = client.watches ?? {};
    for (const each of all ? [undefined, ...callids] : callids) reader.add(each, receivedUpTo);
    reader.add(callid, since);
    const { subject } = client;
    const onCaughtUp = () => this.#release(socket);
    this.#replays.begin({ socket, subject, reader, inBatches: true, onCaughtUp }, now);
  }

  /** A socket watches a call, or all calls, from a number on. If it is being replayed, that follows from the log. */
  onWatched(socket: WebSocket, callid: string | undefined, seq: number): void {
    this.#readerOf(socket)?.add(callid, seq);
  }

  /**
   * Sends an event stream what it has missed, once it watches all calls. If the log does not have all changes of calls, `snapshotOf`
   * follows the commands.
   */
  resumeStream(
    socket: WebSocket,
    client: ClientSocket,
    since: number,
    snapshotOf: SnapshotOf,
    now: number,
  ): void {
    const { commandLog, sessions, watchers, output } = this.#deps;
    const { subject } = client;
    watchers.hold(socket);
    const hasCommands = commandLog.keepsNotificationsSince(since);
    if (!hasCommands) sessions.reset(socket, since);
    const commands = new CommandReader(commandLog, { subject }, hasCommands ? since : this.#deps.lastSeq());
    if (!this.canResumeWatch(since)) {
      const onCaughtUp = (time: number) => {
        // What a client is shown is in the log before.
        this.#deps.calls.requestWriteOfAll();
        const seq = this.#deps.calls.takeSeq();
        const snapshot = { ...snapshotOf(client, seq), reset: true };
        this.#deps.flush(time);
        output.send(socket, JSON.stringify(rpcNotification('Calls', snapshot)), time);
        watchers.release(socket, seq);
      };
      this.#replays.begin({ socket, subject, reader: commands, inBatches: true, onCaughtUp }, now);
      return;
    }
    const calls = this.#createCallReader(socket);
    calls.add(undefined, since);
    const reader = new MergedReader(commands, calls);
    const onCaughtUp = () => this.#release(socket);
    this.#replays.begin({ socket, subject, reader, inBatches: true, onCaughtUp }, now);
  }

  /** A client has returned a token. Returns whether it was one that it had been sent. */
  acknowledge(socket: WebSocket, token: string, now: number): boolean {
    const isValid = this.#deps.output.acknowledge(socket, token, now);
    if (isValid) this.#replays.onAcknowledged(socket, now);
    return isValid;
  }

  onDisconnected(socket: WebSocket): void {
    this.#replays.onDisconnected(socket);
  }

  /** Stops for good. */
  stop(): void {
    this.#replays.stop();
  }

  #release(socket: WebSocket): void {
    this.#deps.watchers.release(socket, this.#deps.lastSeq());
  }

  #readerOf(socket: WebSocket): CallReader | undefined {
    const reader = this.#callReaders.get(socket);
    return reader && this.#replays.isRunning(reader) ? reader : undefined;
  }

  #createCallReader(socket: WebSocket): CallReader {
    const { commandLog, calls } = this.#deps;
    const clientOf = () => attachmentOf(socket) as ClientSocket;
    const reader = new CallReader(commandLog, clientOf, (seq) => calls.noteUnlogged(seq));
    this.#callReaders.set(socket, reader);
    return reader;
  }
}
