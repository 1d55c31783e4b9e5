/** What the load and the checks of a fault run need of a client, whichever client that is. @module */
import type { Notification, RpcResponse } from '../../harness/client.ts';

export interface FaultClient {
  /** Every notification once, in the order of arrival. */
  readonly notifications: readonly Notification[];
  /** What the client or the edge did wrong, one sentence each. */
  readonly violations: string[];
  /** Sends a command until it is accepted, across reconnects. Resolves with its error if it is refused or lost. */
  request(method: string, params: CommandParams): Promise<RpcResponse>;
  /** Returns all notifications of a command so far. */
  notificationsOf(cmdId: string): readonly Notification[];
  /**
   * Resolves with true when one of these events has arrived for the command; with false after the timeout, or as soon as no
   * further event can arrive.
   */
  waitForEvent(cmdId: string, names: readonly string[], timeoutMs: number): Promise<boolean>;
  /** Whether the client has stopped waiting for the command, and has told its program so. */
  isLost(cmdId: string): boolean;
  close(): void;
}

export type CommandParams = Readonly<Record<string, unknown>> & { readonly cmd_id: string };

/** The notifications of one client, by command, and who waits for them. */
export class NotificationLog {
  readonly all: Notification[] = [];
  readonly #byCommand = new Map<string, Notification[]>();
  readonly #finished = new Set<string>();
  readonly #waiters = new Set<() => void>();

  add(notification: Notification): void {
    this.all.push(notification);
    const { cmd_id: cmdId } = notification;
    this.#byCommand.set(cmdId, [...this.of(cmdId), notification]);
    for (const check of this.#waiters) check();
  }

  /** Records that no further notification of a command will arrive. */
  finish(cmdId: string): void {
    this.#finished.add(cmdId);
    for (const check of this.#waiters) check();
  }

  of(cmdId: string): readonly Notification[] {
    return this.#byCommand.get(cmdId) ?? [];
  }

  /** See {@link FaultClient.waitForEvent}. */
  async waitFor(cmdId: string, names: readonly string[], timeoutMs: number): Promise<boolean> {
    const hasArrived = () => this.of(cmdId).some(({ event }) => names.includes(event));
    if (hasArrived()) return true;
    return new Promise((resolve) => {
      const settle = (arrived: boolean) => {
        clearTimeout(timer);
        this.#waiters.delete(check);
        resolve(arrived);
      };
      const check = () => {
        if (hasArrived()) settle(true);
        else if (this.#finished.has(cmdId)) settle(false);
      };
      const timer = setTimeout(() => settle(false), timeoutMs);
      this.#waiters.add(check);
      check();
    });
  }
}
