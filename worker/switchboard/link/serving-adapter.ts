/**
 * Which adapter serves the site, stored when that changes. A crash loses all sockets: the adapter that connects first afterward may
 * have events in its outbox that are older than what another one has reported.
 * @module
 */
import type { AppliedPosition } from '../store/command-log.ts';

/** The adapter that serves the site, or was the last to do so. */
export interface ServingAdapter extends AppliedPosition {
  readonly adapter: string;
  /** The id of a request: the adapter's events before its reply are older than what another one has reported. */
  readonly fence?: string;
}

export class ServingAdapterStore {
  readonly #sql: SqlStorage;
  #current: ServingAdapter | undefined;
  #isStored = true;
  /** The position in the log. */
  #logged: AppliedPosition | null;

  /** @param logged the positions in the log */
  constructor(sql: SqlStorage, logged: readonly AppliedPosition[]) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS serving_adapter (id INTEGER PRIMARY KEY, row TEXT NOT NULL)');
    const [stored] = sql.exec<{ row: string }>('SELECT row FROM serving_adapter').toArray();
    this.#current = stored && (JSON.parse(stored.row) as ServingAdapter);
    this.#logged = logged.find(({ stream }) => stream === this.#current?.stream) ?? logged[0] ?? null;
  }

  get current(): ServingAdapter | undefined {
    return this.#current;
  }

  /** How far the messages of its stream are surely applied: the log does not have what no command had anything to add to. */
  get position(): AppliedPosition | null {
    const [current, logged] = [this.#current, this.#logged];
    if (!current) return logged;
    const isAhead = logged?.stream === current.stream && logged.seq > current.seq;
    return { stream: current.stream, seq: isAhead ? logged.seq : current.seq };
  }

  /** The log has this position now. */
  onLogged(position: AppliedPosition): void {
    this.#logged = position;
  }

  /**
   * Stores how far the messages of the adapter are applied. The attachment of its socket has carried that, and is lost with the socket:
   * the adapter would then have to report a gap, because it does not keep what was acknowledged.
   */
  storePosition({ stream, seq }: AppliedPosition): void {
    if (this.#current?.stream !== stream || seq <= (this.position?.seq ?? 0)) return;
    this.#current = { ...this.#current, seq };
    this.#isStored = false;
    this.store();
  }

  /** Whether there is something to {@link store}. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** Another adapter, another process of it, or another fence. A reconnect of the same process is no change. */
  set(next: ServingAdapter): void {
    const { adapter, stream, fence } = this.#current ?? {};
    if (adapter === next.adapter && stream === next.stream && fence === next.fence) return;
    this.#current = next;
    this.#isStored = false;
  }

  /** Stores the change with the turn. */
  store(): void {
    if (this.#isStored) return;
    this.#isStored = true;
    const row = JSON.stringify(this.#current);
    this.#sql.exec('INSERT OR REPLACE INTO serving_adapter (id, row) VALUES (1, ?)', row);
  }
}
