/**
 * A reader of `GET /v1/events` as a browser's `EventSource` is one: it comes back by itself, with the last id that it
 * has got.
 * @module
 */
import type { Call } from '../../shared/calls.ts';
import { until } from './stack.ts';

/** A notification; `params` of commands and of calls together. */
export interface Notice {
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

/** While the way is cut off, in milliseconds. */
const AGAIN_MS = 20;

export class Events {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #over = new AbortController();
  /** Each notification in the order of its coming. */
  readonly all: Notice[] = [];
  /** The id that was got last. */
  last = '';
  /** How often it has come in. */
  opened = 0;
  /** Statuses of the answers that were no stream. */
  readonly refused: number[] = [];

  private constructor(url: string, headers: Record<string, string>) {
    this.#url = url;
    this.#headers = headers;
  }

  /** Resolves when it has been told something. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<Events> {
    const events = new Events(url, headers);
    void events.#read();
    await until(() => events.all.length > 0);
    return events;
  }

  /** What was told of a command. */
  of(cmdId: string): Notice[] {
    return this.all.filter(({ params }) => params.cmd_id === cmdId);
  }

  /** Resolves with what was told of a command when it has ended. */
  async toEnd(cmdId: string): Promise<Notice[]> {
    await until(() => this.of(cmdId).some(({ params }) => params.event === 'Ended'));
    return this.of(cmdId);
  }

  close(): void {
    this.#over.abort();
  }

  async #read(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        const last = this.last === '' ? {} : { 'Last-Event-ID': this.last };
        const response = await fetch(this.#url, { headers: { ...this.#headers, ...last }, signal });
        if (response.ok && response.body) await this.#follow(response.body);
        else this.refused.push(response.status);
      } catch {
        // Cut off, or closed by us.
      }
      await new Promise((resume) => setTimeout(resume, AGAIN_MS));
    }
  }

  async #follow(body: ReadableStream<Uint8Array>): Promise<void> {
    this.opened++;
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of body) {
      text += decoder.decode(bytes, { stream: true });
      const whole = text.split('\n\n');
      text = whole.pop() ?? '';
      for (const event of whole) this.#hear(event);
    }
  }

  #hear(event: string): void {
    for (const line of event.split('\n')) {
      if (line.startsWith('id: ')) this.last = line.slice(4);
      if (line.startsWith('data: ')) this.all.push(JSON.parse(line.slice(6)) as Notice);
    }
  }
}
