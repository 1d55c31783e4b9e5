/**
 * Keeps the commands that have not ended. One that may not have reached the edge is sent again with the same `cmd_id`, so
 * that it runs once. The client stops doing so after a while, because an edge that no longer remembers the `cmd_id` would
 * run the command a second time. Each command settles by a timer of its own, whether or not an edge can be reached.
 * @module
 */
import { type CloseReason, type LossReason, noResponse, notSent } from './failures.ts';
import {
  type CommandUpdate,
  isJsonObject,
  isRpcError,
  type JsonObject,
  type ResponseCallback,
  type RpcResponse,
} from './messages.ts';
import type { Platform } from './platform.ts';

/** Half of the shortest retention that a tenant can have: 60 s, see `kept_seconds` in `shared/policy/policy.ts`. */
export const RESEND_WINDOW_MS = 30_000;
/** The longest retention, see Retention in docs/protocol.md: after that, no edge knows how a command has ended. */
export const MAX_DISCONNECTED_MS = 3_600_000;
/** Commands that are sent again at once after a reconnect. The others follow one by one. */
const RESEND_BURST = 50;
/** By default a session may send 50 messages a second, and twice as many at once. */
const RESEND_INTERVAL_MS = 25;

/** The edge answers it on the socket that it came from, and stores nothing: after a break it is another one. */
const ECHO = 'Echo';

/** How commands are sent: as requests that are dropped when the socket is lost. */
export interface CommandRequests {
  /** @return the id of the request */
  readonly send: (
    method: string,
    params: object,
    onResponse: ResponseCallback,
    isRetryable: boolean,
  ) => string;
  readonly discard: (id: string) => void;
}

interface Command {
  readonly method: string;
  readonly params: object;
  readonly onUpdate: (update: CommandUpdate) => void;
}

interface ActiveCommand extends Command {
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** `seq` of the last notification of any command when this one was created. All of its own are higher. */
  readonly createdAfter: number;
  /** How often it was sent. From the first time on it may run. */
  timesSent: number;
  /** Whether the program was told `Started`. */
  isStarted: boolean;
  /** The session that has its notifications. It is not known until the edge has answered in that session. */
  session: string | undefined;
  /** `seq` of the last notification. */
  seq: number;
  /** The event of the last notification. */
  lastEvent: string | undefined;
  requestId: string;
  readonly cancelDeadline: () => void;
  cancelResend: () => void;
}

export class ActiveCommands {
  readonly #commands = new Map<string, ActiveCommand>();
  readonly #platform: Pick<Platform, 'now' | 'setTimer'>;
  readonly #requests: CommandRequests;
  /** The session of the open socket, or of the last one. */
  #session = '';
  /** Cancels the timer that runs while no socket is open. */
  #cancelLoss: (() => void) | undefined;

  constructor(platform: Pick<Platform, 'now' | 'setTimer'>, requests: CommandRequests) {
    this.#platform = platform;
    this.#requests = requests;
  }

  /** @param lastSeq `seq` of the last notification of any command */
  add(cmdId: string, command: Command, lastSeq: number): void {
    const { now, setTimer } = this.#platform;
    this.#commands.set(cmdId, {
      ...command,
      createdAt: now(),
      createdAfter: lastSeq,
      timesSent: 0,
      isStarted: false,
      session: undefined,
      seq: -1,
      lastEvent: undefined,
      requestId: '',
      cancelDeadline: setTimer(RESEND_WINDOW_MS, () => this.#onDeadline(cmdId)),
      cancelResend: () => {},
    });
  }

  has(cmdId: string): boolean {
    return this.#commands.has(cmdId);
  }

  /** Sends a command on the open socket. */
  send(cmdId: string): void {
    const command = this.#commands.get(cmdId);
    if (!command) return;
    const session = this.#session;
    const isRetryable = command.timesSent++ > 0;
    const onResponse = (response: RpcResponse) => {
      if (this.#commands.get(cmdId) === command) this.#onResponse(cmdId, command, session, response);
    };
    command.requestId = this.#requests.send(command.method, command.params, onResponse, isRetryable);
  }

  /** Removes a command: it is not sent again, and its notifications are ignored. */
  discard(cmdId: string): void {
    this.#remove(cmdId);
  }

  /**
   * Sends the commands again that this session does not have, and fails those that are too old for it. Spreads many of
   * them over time to stay below the rate limit.
   * @param session of the socket that has just opened
   */
  onConnected(session: string): void {
    this.#endLoss();
    this.#session = session;
    let index = 0;
    for (const [cmdId, command] of [...this.#commands]) {
      if (command.session === session && command.method !== ECHO) continue;
      if (this.#platform.now() - command.createdAt > RESEND_WINDOW_MS)
        this.#fail(cmdId, command.isStarted ? 'disconnected' : 'expired');
      else if (index++ < RESEND_BURST) this.send(cmdId);
      else {
        const delay = (index - 1 - RESEND_BURST) * RESEND_INTERVAL_MS;
        command.cancelResend = this.#platform.setTimer(delay, () => this.send(cmdId));
      }
    }
  }

  /** Stops sending until the next socket opens. If none does for very long, no edge knows the outcomes any more. */
  onDisconnected(): void {
    for (const command of this.#commands.values()) command.cancelResend();
    if (this.#commands.size > 0)
      this.#cancelLoss ??= this.#platform.setTimer(MAX_DISCONNECTED_MS, () => this.failAll('disconnected'));
  }

  /**
   * Returns the `seq` to resume the session from, at most `lastSeq`. The edge sends the notifications of a repeated command
   * once more, with their old numbers. Those that were lost on the way can be lower than what other commands have received.
   */
  resumeFrom(lastSeq: number): number {
    const repeated = [...this.#commands.values()].filter(
      ({ method, timesSent }) => method !== ECHO && timesSent > 1,
    );
    return Math.min(lastSeq, ...repeated.map(({ seq, createdAfter }) => Math.max(seq, createdAfter)));
  }

  /** Handles a notification of a command. Drops one that was received before. */
  onNotification(params: JsonObject): void {
    const { cmd_id, event, data, error, metadata, seq } = params;
    const cmdId = String(cmd_id);
    const command = this.#commands.get(cmdId);
    if (!command || typeof event !== 'string') return;
    command.session = this.#session;
    if (typeof seq === 'number') {
      if (seq <= command.seq) return;
      command.seq = seq;
    } else if (event === command.lastEvent) return;
    command.lastEvent = event;
    // The response can be lost, and missed notifications arrive before the response to a repeated request.
    this.#start(command);
    if (event === 'Ended') this.#remove(cmdId);
    command.onUpdate({
      event,
      ...(data === undefined ? {} : { data }),
      ...(isRpcError(error) ? { error } : {}),
      ...(isJsonObject(metadata) ? { metadata } : {}),
      ...(typeof seq === 'number' ? { seq } : {}),
    });
  }

  /** Fails all commands, because no further notification will arrive. */
  failAll(reason: CloseReason | 'disconnected'): void {
    this.#endLoss();
    for (const cmdId of [...this.#commands.keys()]) this.#fail(cmdId, reason);
  }

  #onResponse(cmdId: string, command: ActiveCommand, session: string, { error }: RpcResponse): void {
    if (!error) {
      command.session = session;
      this.#start(command);
      return;
    }
    this.#remove(cmdId);
    // A command that has started may still run, although the edge refuses to send its events to a new session.
    if (command.isStarted) command.onUpdate({ event: 'Lost', error: noResponse('disconnected') });
    else command.onUpdate({ event: 'Refused', error });
  }

  #endLoss(): void {
    this.#cancelLoss?.();
    this.#cancelLoss = undefined;
  }

  #start(command: ActiveCommand): void {
    if (command.isStarted) return;
    command.isStarted = true;
    command.onUpdate({ event: 'Started' });
  }

  /** Fails a command that the edge has not answered in this session, because it must not be sent any more. */
  #onDeadline(cmdId: string): void {
    const command = this.#commands.get(cmdId);
    if (command && command.session !== this.#session)
      this.#fail(cmdId, command.isStarted ? 'disconnected' : 'expired');
  }

  #fail(cmdId: string, reason: LossReason): void {
    const command = this.#remove(cmdId);
    command?.onUpdate({
      event: 'Lost',
      error: command.timesSent > 0 ? noResponse(reason) : notSent(reason),
    });
  }

  /** Every way out of a command ends here: it keeps no timer and no request. */
  #remove(cmdId: string): ActiveCommand | undefined {
    const command = this.#commands.get(cmdId);
    if (!command) return undefined;
    this.#commands.delete(cmdId);
    command.cancelDeadline();
    command.cancelResend();
    this.#requests.discard(command.requestId);
    if (this.#commands.size === 0) this.#endLoss();
    return command;
  }
}
