/** What watchers know of the link. It is stored, so that changes during a hibernation are reported as well. @module */
import type { AdapterRole } from '../../../shared/protocol/link.ts';

/** Whether an adapter serves the site. */
export type LinkStatus = 'Down' | 'Up';

export class LinkStatusStore {
  readonly #sql: SqlStorage;
  readonly #isReleased: () => boolean;
  /** The names of the adapters, the active ones first, as one text; that is empty if none serves the site. */
  #reported: string;

  /** @param isReleased returns whether nobody needs a connection: its absence is no change then */
  constructor(sql: SqlStorage, isReleased: () => boolean) {
    this.#sql = sql;
    this.#isReleased = isReleased;
    sql.exec('CREATE TABLE IF NOT EXISTS link_status (id INTEGER PRIMARY KEY, adapters TEXT NOT NULL)');
    const [stored] = sql.exec<{ adapters: string }>('SELECT adapters FROM link_status').toArray();
    this.#reported = stored?.adapters ?? namesOf([]);
  }

  /** The status that watchers know. */
  get reported(): LinkStatus {
    return statusOf(this.#reported);
  }

  get isReleased(): boolean {
    return this.#isReleased();
  }

  hasChange(roles: readonly AdapterRole[]): boolean {
    return this.#namesOf(roles) !== this.#reported;
  }

  /** Returns the status if there is a change to report, and stores that it was reported. */
  take(roles: readonly AdapterRole[]): LinkStatus | undefined {
    if (!this.hasChange(roles)) return undefined;
    this.#reported = this.#namesOf(roles);
    this.#sql.exec('INSERT OR REPLACE INTO link_status (id, adapters) VALUES (1, ?)', this.#reported);
    return this.reported;
  }

  /** A released link counts as up. */
  #namesOf(roles: readonly AdapterRole[]): string {
    if (roles.some(({ role }) => role === 'active') || !this.isReleased) return namesOf(roles);
    return this.reported === 'Up' ? this.#reported : RELEASED;
  }
}

/** In place of the names, for a link that was released before its adapter was known. */
const RELEASED = '["?"]';

function namesOf(roles: readonly AdapterRole[]): string {
  const named = (wanted: AdapterRole['role']) =>
    roles
      .filter(({ role }) => role === wanted)
      .map(({ adapter }) => adapter)
      .sort();
  const lost = named('lost').map((adapter) => `lost\n${adapter}`);
  return JSON.stringify([named('active').join('\n'), ...named('standby'), ...lost]);
}

function statusOf(names: string): LinkStatus {
  return (JSON.parse(names) as string[])[0] === '' ? 'Down' : 'Up';
}
