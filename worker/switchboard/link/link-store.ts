/** What a link stores beyond its socket: what watchers know of it, and how far the adapter's messages are applied. @module */
import type { AppliedPosition } from '../store/command-log.ts';

/** Whether an adapter is connected, as watchers are notified of it. */
export type LinkStatus = 'Down' | 'Up';

export class LinkStore {
  readonly #sql: SqlStorage;
  #reportedStatus: LinkStatus;
  /** The position in the log; null for none. */
  #logged: AppliedPosition | null;
  /** The position in the table, which is newer. */
  #unlogged: AppliedPosition | null;

  /** @param logged the position that the log has */
  constructor(sql: SqlStorage, logged: AppliedPosition | null) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS link_status (id INTEGER PRIMARY KEY, up INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS link_position (id INTEGER PRIMARY KEY, stream TEXT NOT NULL, seq INTEGER NOT NULL);
    `);
    const [reported] = sql.exec<{ up: number }>('SELECT up FROM link_status').toArray();
    this.#reportedStatus = reported?.up === 1 ? 'Up' : 'Down';
    const [row] = sql
      .exec<{ stream: string; seq: number }>('SELECT stream, seq FROM link_position')
      .toArray();
    this.#logged = logged;
    this.#unlogged = row ?? null;
  }

  /** The status that watchers know. It is stored, so that changes during a hibernation are reported as well. */
  get reportedStatus(): LinkStatus {
    return this.#reportedStatus;
  }

  setReportedStatus(status: LinkStatus): void {
    this.#reportedStatus = status;
    this.#sql.exec('INSERT OR REPLACE INTO link_status (id, up) VALUES (1, ?)', status === 'Up' ? 1 : 0);
  }

  /** How far the messages are surely applied; null for none. */
  get position(): AppliedPosition | null {
    const [logged, unlogged] = [this.#logged, this.#unlogged];
    if (!unlogged) return logged;
    return isAhead(logged, unlogged) ? logged : unlogged;
  }

  /** The log has this position now. A row about another stream is older. */
  onLogged(position: AppliedPosition): void {
    this.#logged = position;
    if (!this.#unlogged || this.#unlogged.stream === position.stream) return;
    this.#unlogged = null;
    this.#sql.exec('DELETE FROM link_position');
  }

  /**
   * Stores a position whose messages had no effect that was logged. The attachment of the socket has carried it, and is lost with the
   * socket: the adapter would then have to report a gap, because it does not keep what was acknowledged.
   */
  storePosition(position: AppliedPosition): void {
    if (isAhead(this.#logged, position) || isAhead(this.#unlogged, position)) return;
    this.#unlogged = position;
    const { stream, seq } = position;
    this.#sql.exec('INSERT OR REPLACE INTO link_position (id, stream, seq) VALUES (1, ?, ?)', stream, seq);
  }
}

function isAhead(position: AppliedPosition | null, other: AppliedPosition): boolean {
  return position?.stream === other.stream && position.seq >= other.seq;
}
