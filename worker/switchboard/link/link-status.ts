/** What watchers know of the link. It is stored, so that changes during a hibernation are reported as well. @module */
import type { AdapterRole } from '../../../shared/protocol/link.ts';

/** Whether an adapter serves the site. */
export type LinkStatus = 'Down' | 'Up';

export class LinkStatusStore {
  readonly #sql: SqlStorage;
  /** The names of the adapters, the active one first; an empty name if none serves the site. */
  #reported: string;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS link_status (id INTEGER PRIMARY KEY, adapters TEXT NOT NULL)');
    const [stored] = sql.exec<{ adapters: string }>('SELECT adapters FROM link_status').toArray();
    this.#reported = stored?.adapters ?? namesOf([]);
  }

  /** The status that watchers know. */
  get reported(): LinkStatus {
    return statusOf(this.#reported);
  }

  hasChange(roles: readonly AdapterRole[]): boolean {
    return namesOf(roles) !== this.#reported;
  }

  /** Returns the status if there is a change to report, and stores that it was reported. */
  take(roles: readonly AdapterRole[]): LinkStatus | undefined {
    if (!this.hasChange(roles)) return undefined;
    this.#reported = namesOf(roles);
    this.#sql.exec('INSERT OR REPLACE INTO link_status (id, adapters) VALUES (1, ?)', this.#reported);
    return this.reported;
  }
}

function namesOf(roles: readonly AdapterRole[]): string {
  const active = roles.find(({ role }) => role === 'active')?.adapter ?? '';
  const standbys = roles.filter(({ role }) => role === 'standby').map(({ adapter }) => adapter);
  return JSON.stringify([active, ...standbys.sort()]);
}

function statusOf(names: string): LinkStatus {
  return (JSON.parse(names) as string[])[0] === '' ? 'Down' : 'Up';
}
