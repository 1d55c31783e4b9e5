/**
 * Keeps the commands that have not ended. One that may not have reached the edge is sent again with the same `cmd_id`, so
 * that it runs once. The client stops doing so after a while, because an edge that no longer remembers the `cmd_id` would
 * run the command a second time.
 * @module
 */
import { type CloseReason, type LossReason, noResponse, notSent } from './failures.ts';
import {
  type CommandUpdate,
  isJsonObject,
  isRpcError,
  type JsonObject,
  type RpcResponse,
} from './messages.ts';

/** Half of the shortest retention that a tenant can have: 60 s, see `kept_seconds` in `shared/policy/policy.ts`. */
export const RESEND_WINDOW_MS = 30_000;

interface Command {
  readonly method: string;
  readonly params: object;
  readonly onUpdate: (update: CommandUpdate) => void;
}

interface ActiveCommand extends Command {
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Whether it was sent, and so may run. */
  isSent: boolean;
  isStarted: boolean;
  /** `seq` of the last notification. */
  seq: number;
}

export class ActiveCommands {
  readonly #commands = new Map<string, ActiveCommand>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(cmdId: string, command: Command): void {
    this.#commands.set(cmdId, {
      ...command,
      createdAt: this.#now(),
      isSent: false,
      isStarted: false,
      seq: -1,
    });
  }

  has(cmdId: string): boolean {
    return this.#commands.has(cmdId);
  }

  /** Marks a command as sent. Returns its state before that, or undefined if it was removed. */
  markSent(cmdId: string): Readonly<ActiveCommand> | undefined {
    const command = this.#commands.get(cmdId);
    const previous = command && { ...command };
    if (command) command.isSent = true;
    return previous;
  }

  /** Removes a command: it is not sent again, and its notifications are ignored. */
  discard(cmdId: string): void {
    this.#commands.delete(cmdId);
  }

  /**
   * Returns the commands to send on a socket that has just opened, and fails those that are too old for it.
   * @param isNewSession the edge sends a new session no notifications of earlier commands unless they are sent again
   */
  toResend(isNewSession: boolean): string[] {
    const cmdIds: string[] = [];
    for (const [cmdId, { isStarted, createdAt }] of [...this.#commands]) {
      if (isStarted && !isNewSession) continue;
      if (this.#now() - createdAt > RESEND_WINDOW_MS) this.#fail(cmdId, 'expired');
      else cmdIds.push(cmdId);
    }
    return cmdIds;
  }

  onResponse(cmdId: string, { error }: RpcResponse): void {
    const command = this.#commands.get(cmdId);
    if (!command) return;
    if (error) {
      this.#commands.delete(cmdId);
      command.onUpdate({ event: 'Refused', error });
    } else if (!command.isStarted) {
      command.isStarted = true;
      command.onUpdate({ event: 'Started' });
    }
  }

  /** Handles a notification of a command. Drops one that was received before. */
  onNotification(params: JsonObject): void {
    const { cmd_id: cmdId, event, data, error, metadata, seq } = params;
    const command = this.#commands.get(String(cmdId));
    if (!command || typeof event !== 'string') return;
    if (typeof seq === 'number') {
      if (seq <= command.seq) return;
      command.seq = seq;
    }
    if (event === 'Ended') this.#commands.delete(String(cmdId));
    command.onUpdate({
      event,
      ...(data === undefined ? {} : { data }),
      ...(isRpcError(error) ? { error } : {}),
      ...(isJsonObject(metadata) ? { metadata } : {}),
      ...(typeof seq === 'number' ? { seq } : {}),
    });
  }

  /** Fails all commands, because no further notification will arrive. */
  failAll(reason: CloseReason): void {
    for (const cmdId of this.#commands.keys()) this.#fail(cmdId, reason);
  }

  #fail(cmdId: string, reason: LossReason): void {
    const command = this.#commands.get(cmdId);
    this.#commands.delete(cmdId);
    command?.onUpdate({ event: 'Lost', error: command.isSent ? noResponse(reason) : notSent(reason) });
  }
}
