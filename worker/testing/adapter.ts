/** A scripted adapter: answers MI requests as a scenario says. @module */
import type { EviEvent } from '../../shared/opensips/evi.ts';
import { type EdgeMessage, LINK_VERSION, type MiRequest } from '../../shared/protocol/link.ts';
import { openSocket, type TestSocket } from './sockets.ts';

/** How OpenSIPS answers an MI request, and the events that it raises before and after. */
export interface ScriptedReply {
  readonly before?: readonly EviEvent[];
  readonly reply?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
  readonly outcome?: 'timeout' | 'refused' | 'expired' | 'unreachable';
  readonly after?: readonly EviEvent[];
}

/** Returns the reply to each MI request. */
export type Scenario = (mi: MiRequest) => ScriptedReply;

const KEY = 'adapter-key-of-the-tests';

export class ScriptedAdapter {
  readonly #socket: TestSocket;
  #seq = 0;
  #isClosed = false;
  /** The MI requests of commands, in order. */
  readonly miRequests: MiRequest[] = [];
  /** The MI requests of the dialog reconciler, in order. */
  readonly reconcileRequests: MiRequest[] = [];
  /** Runs before each message is sent, except replies to the dialog reconciler. */
  beforeSend: () => Promise<void> = async () => {};

  private constructor(socket: TestSocket) {
    this.#socket = socket;
  }

  /** Connects and sends `hello`. */
  static async connect(
    scenario: Scenario,
    { adapter = 'test', stream = crypto.randomUUID(), base = 1 } = {},
  ): Promise<ScriptedAdapter> {
    const socket = await openSocket('/adapter', { Authorization: `Bearer ${KEY}` });
    return ScriptedAdapter.handshake(socket, scenario, { adapter, stream, base });
  }

  /** Sends `hello` on an open socket. */
  static async handshake(
    socket: TestSocket,
    scenario: Scenario,
    { adapter = 'test', stream = crypto.randomUUID(), base = 1 } = {},
  ): Promise<ScriptedAdapter> {
    const scripted = new ScriptedAdapter(socket);
    scripted.#seq = base - 1;
    const opensips = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
    socket.send(JSON.stringify({ type: 'hello', version: LINK_VERSION, adapter, stream, base, opensips }));
    const first = await socket.next<EdgeMessage | EdgeMessage[]>();
    void scripted.#serve(scenario, first);
    return scripted;
  }

  get closed(): TestSocket['closed'] {
    return this.#socket.closed;
  }

  /** The number of its last message. */
  get lastSeq(): number {
    return this.#seq;
  }

  /** Reports that messages may be missing. */
  async reportGap(reason = 'test'): Promise<void> {
    await this.#send({ type: 'gap', reason });
  }

  /** Raises events in one frame. */
  raiseEvents(events: readonly EviEvent[]): void {
    const messages = events.map((event) => ({ type: 'event', at: Date.now(), seq: ++this.#seq, ...event }));
    this.#socket.send(JSON.stringify(messages));
  }

  async raiseEvent(event: EviEvent): Promise<void> {
    await this.#send({ type: 'event', at: Date.now(), ...event });
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }

  async #serve(scenario: Scenario, first: EdgeMessage | EdgeMessage[]): Promise<void> {
    for (let frame: typeof first | undefined = first; frame; frame = await this.#next()) {
      for (const message of Array.isArray(frame) ? frame : [frame]) {
        if (message.type === 'mi') await this.#answer(message, scenario(message));
      }
    }
  }

  #next(): Promise<EdgeMessage | EdgeMessage[] | undefined> {
    return this.#socket.next<EdgeMessage | EdgeMessage[]>().catch(() => undefined);
  }

  async #answer(
    mi: MiRequest,
    { before, reply: result, error, outcome, after }: ScriptedReply,
  ): Promise<void> {
    const isReconcile = mi.id.startsWith('reconcile-');
    (isReconcile ? this.reconcileRequests : this.miRequests).push(mi);
    for (const event of before ?? []) await this.raiseEvent(event);
    if (result !== undefined || error || outcome)
      await this.#send({ type: 'reply', id: mi.id, result, error, outcome }, isReconcile);
    for (const event of after ?? []) await this.raiseEvent(event);
  }

  async #send(message: object, isReconcile = false): Promise<void> {
    if (!isReconcile) await this.beforeSend();
    if (this.#isClosed) return;
    this.#socket.send(JSON.stringify({ ...message, seq: ++this.#seq }));
  }
}
