/** A client as a user would write it: a plain WebSocket, without the client library. @module */

export interface RpcResponse {
  readonly id: unknown;
  readonly result?: { readonly cmd_id: string; readonly event: string; readonly replayed?: boolean };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface Notification {
  readonly cmd_id: string;
  readonly event: string;
  readonly data?: unknown;
  readonly error?: { readonly code: number; readonly sip?: { readonly status: number } };
  readonly seq: number;
}

export interface RunningCommand {
  readonly cmdId: string;
  /** The notifications so far. */
  readonly notifications: Notification[];
  /** Resolves when the notification with that event name has arrived. */
  waitForEvent(name: string): Promise<Notification>;
  /** Resolves with all notifications when the command has ended. */
  readonly ended: Promise<Notification[]>;
}

type EventWaiter = { readonly name: string; readonly resolve: (notification: Notification) => void };

export class Client {
  readonly #socket: WebSocket;
  readonly #pendingRequests = new Map<unknown, (response: RpcResponse) => void>();
  readonly #notificationsByCommand = new Map<string, Notification[]>();
  readonly #waiters = new Map<string, EventWaiter[]>();
  /** All notifications, in the order of arrival. */
  readonly notifications: Notification[] = [];
  /** All received frames. */
  readonly frames: string[] = [];
  /** Resolves when the socket has closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #lastRequestId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#onFrame(String(data)));
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
    });
  }

  /** @param credentials offered subprotocols with a token, like a browser; or headers, like a server */
  static async connect(
    url: string,
    credentials: string[] | { readonly headers: Record<string, string> } = [],
  ): Promise<Client> {
    const socket = new WebSocket(url, credentials);
    const client = new Client(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error(`no WebSocket at ${url}`)));
    });
    return client;
  }

  /** Sends a request and resolves with its response. */
  request(method: string, params: unknown): Promise<RpcResponse> {
    const id = ++this.#lastRequestId;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve) => this.#pendingRequests.set(id, resolve));
  }

  /** Resolves with the notifications of a command when it has ended. */
  async waitForEnd(cmdId: string): Promise<Notification[]> {
    await this.#waitForEvent(cmdId, 'Ended');
    return this.#notificationsOf(cmdId);
  }

  /** Sends a frame unchanged. */
  sendFrame(frame: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(frame);
  }

  /** Starts a command. Throws if the response is an error. */
  async start(method: string, params: object): Promise<RunningCommand> {
    const { result, error } = await this.request(method, params);
    if (!result) throw new Error(`${method} refused: ${JSON.stringify(error)}`);
    const { cmd_id: cmdId } = result;
    const notifications = this.#notificationsOf(cmdId);
    const waitForEvent = (name: string) => this.#waitForEvent(cmdId, name);
    return { cmdId, notifications, waitForEvent, ended: waitForEvent('Ended').then(() => notifications) };
  }

  /** Runs a command and resolves with its notifications when it has ended. */
  async runToEnd(method: string, params: object): Promise<Notification[]> {
    return (await this.start(method, params)).ended;
  }

  close(): void {
    this.#socket.close();
  }

  #onFrame(text: string): void {
    this.frames.push(text);
    const message = JSON.parse(text) as
      | RpcResponse
      | { readonly method: string; readonly params: Notification };
    if (!('params' in message)) {
      this.#pendingRequests.get(message.id)?.(message);
      this.#pendingRequests.delete(message.id);
      return;
    }
    const notification = message.params;
    this.notifications.push(notification);
    this.#notificationsOf(notification.cmd_id).push(notification);
    for (const { name, resolve } of this.#waiters.get(notification.cmd_id) ?? [])
      if (name === notification.event) resolve(notification);
  }

  #notificationsOf(cmdId: string): Notification[] {
    const notifications = this.#notificationsByCommand.get(cmdId) ?? [];
    this.#notificationsByCommand.set(cmdId, notifications);
    return notifications;
  }

  #waitForEvent(cmdId: string, name: string): Promise<Notification> {
    const received = this.#notificationsOf(cmdId).find(({ event }) => event === name);
    if (received) return Promise.resolve(received);
    return new Promise((resolve) => {
      this.#waiters.set(cmdId, [...(this.#waiters.get(cmdId) ?? []), { name, resolve }]);
    });
  }
}

/** Returns the event names, in order. */
export function eventNames(notifications: readonly Notification[]): string[] {
  return notifications.map(({ event }) => event);
}

/** Returns the URI of a simulated phone. Its user part selects its behavior. */
export function phoneUri(user: string): string {
  return `sip:${user}@127.0.0.1:5060`;
}

/** Returns the Call-ID in the notification with that event name. */
export function callidOf(notifications: readonly Notification[], name: string): string {
  const data = notifications.find(({ event }) => event === name)?.data;
  if (typeof data === 'object' && data !== null && 'callid' in data) return String(data.callid);
  throw new Error(`no ${name} with a Call-ID among ${eventNames(notifications).join(', ')}`);
}
