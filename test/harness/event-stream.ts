/**
 * A reader of `GET /v1/events` that behaves like a browser's `EventSource`: it reconnects by itself with the last event
 * id that it has received.
 * @module
 */
import type { Call } from '../../shared/calls/call.ts';
import { waitUntil } from './stack.ts';

/** A notification. `params` has the fields of command events and of call events. */
export interface StreamNotification {
  readonly method: string;
  readonly params: {
    readonly cmd_id?: string;
    readonly event?: string;
    readonly data?: unknown;
    readonly error?: unknown;
    readonly seq: number;
    readonly call?: Call;
    readonly calls?: readonly Call[];
    readonly reset?: boolean;
    readonly since?: number;
  };
}

const RECONNECT_DELAY_MS = 20;

export class EventStream {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #abort = new AbortController();
  /** All notifications, in the order of arrival. */
  readonly notifications: StreamNotification[] = [];
  lastEventId = '';
  /** How often the stream was opened. */
  connectionCount = 0;
  /** The statuses of responses without a stream. */
  readonly errorStatuses: number[] = [];

  private constructor(url: string, headers: Record<string, string>) {
    this.#url = url;
    this.#headers = headers;
  }

  /** Resolves when the first notification has arrived. */
  static async connect(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const stream = new EventStream(url, headers);
    void stream.#readForever();
    await waitUntil(() => stream.notifications.length > 0);
    return stream;
  }

  /** Returns the notifications of a command. */
  notificationsOf(cmdId: string): StreamNotification[] {
    return this.notifications.filter(({ params }) => params.cmd_id === cmdId);
  }

  /** Resolves with the notifications of a command when it has ended. */
  async waitForEnd(cmdId: string): Promise<StreamNotification[]> {
    await waitUntil(() => this.notificationsOf(cmdId).some(({ params }) => params.event === 'Ended'));
    return this.notificationsOf(cmdId);
  }

  close(): void {
    this.#abort.abort();
  }

  async #readForever(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const cursor = this.lastEventId === '' ? {} : { 'Last-Event-ID': this.lastEventId };
        const response = await fetch(this.#url, { headers: { ...this.#headers, ...cursor }, signal });
        if (response.ok && response.body) await this.#readBody(response.body);
        else this.errorStatuses.push(response.status);
      } catch {
        // The connection was lost, or this reader has closed it.
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_DELAY_MS));
    }
  }

  async #readBody(body: ReadableStream<Uint8Array>): Promise<void> {
    this.connectionCount++;
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of body) {
      text += decoder.decode(bytes, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) this.#onEvent(event);
    }
  }

  #onEvent(event: string): void {
    for (const line of event.split('\n')) {
      if (line.startsWith('id: ')) this.lastEventId = line.slice(4);
      if (line.startsWith('data: ')) this.notifications.push(JSON.parse(line.slice(6)) as StreamNotification);
    }
  }
}
