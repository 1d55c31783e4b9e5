/** A scripted adapter: it answers each MI request with what a scenario says. @module */
import type { EviEvent } from '../../shared/evi.ts';
import { type FromEdge, LINK_VERSION, type Mi } from '../../shared/link.ts';
import { open, type TestSocket } from './sockets.ts';

/** What OpenSIPS answers to an MI request, and raises around it. `seconds` of a reply are none: it comes at once. */
export interface Beat {
  readonly before?: readonly EviEvent[];
  readonly reply?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
  readonly outcome?: 'timeout' | 'refused' | 'expired' | 'unreachable';
  readonly after?: readonly EviEvent[];
}

/** Given a request, what comes of it. */
export type Scenario = (mi: Mi) => Beat;

const KEY = 'adapter-key-of-the-tests';

export class ScriptedAdapter {
  readonly #socket: TestSocket;
  #seq = 0;
  #closed = false;
  /** Every MI request of a command that came, in order. */
  readonly asked: Mi[] = [];
  /** Those of the edge's own: which calls still stand. */
  readonly surveyed: Mi[] = [];
  /** Runs before each frame is sent, but for answers to the edge's own requests. */
  between: () => Promise<void> = async () => {};

  private constructor(socket: TestSocket) {
    this.#socket = socket;
  }

  /** Connects and says hello. */
  static async connect(
    scenario: Scenario,
    { adapter = 'test', stream = crypto.randomUUID(), base = 1 } = {},
  ): Promise<ScriptedAdapter> {
    const socket = await open('/adapter', { Authorization: `Bearer ${KEY}` });
    return ScriptedAdapter.greet(socket, scenario, { adapter, stream, base });
  }

  /** Says hello on a socket that stands. */
  static async greet(
    socket: TestSocket,
    scenario: Scenario,
    { adapter = 'test', stream = crypto.randomUUID(), base = 1 } = {},
  ): Promise<ScriptedAdapter> {
    const it = new ScriptedAdapter(socket);
    it.#seq = base - 1;
    const opensips = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
    socket.send(JSON.stringify({ type: 'hello', version: LINK_VERSION, adapter, stream, base, opensips }));
    const first = await socket.next<FromEdge | FromEdge[]>();
    void it.#serve(scenario, first);
    return it;
  }

  get closed(): TestSocket['closed'] {
    return this.#socket.closed;
  }

  /** Says that something may be missing. */
  async gap(reason = 'test'): Promise<void> {
    await this.#send({ type: 'gap', reason });
  }

  /** Raises an event. */
  async raise(event: EviEvent): Promise<void> {
    await this.#send({ type: 'event', at: Date.now(), ...event });
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }

  async #serve(scenario: Scenario, first: FromEdge | FromEdge[]): Promise<void> {
    for (let frame: typeof first | undefined = first; frame; frame = await this.#next()) {
      for (const message of Array.isArray(frame) ? frame : [frame]) {
        if (message.type === 'mi') await this.#run(message, scenario(message));
      }
    }
  }

  #next(): Promise<FromEdge | FromEdge[] | undefined> {
    return this.#socket.next<FromEdge | FromEdge[]>().catch(() => undefined);
  }

  async #run(mi: Mi, beat: Beat): Promise<void> {
    const ofSurvey = mi.id.startsWith('survey-');
    (ofSurvey ? this.surveyed : this.asked).push(mi);
    for (const event of beat.before ?? []) await this.raise(event);
    const { reply: result, error, outcome } = beat;
    if (result !== undefined || error || outcome)
      await this.#send({ type: 'reply', id: mi.id, result, error, outcome }, ofSurvey);
    for (const event of beat.after ?? []) await this.raise(event);
  }

  async #send(message: object, ofSurvey = false): Promise<void> {
    if (!ofSurvey) await this.between();
    if (this.#closed) return;
    this.#socket.send(JSON.stringify({ ...message, seq: ++this.#seq }));
  }
}
