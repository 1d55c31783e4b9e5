/** What watchers know of the link. It is stored, so that changes during a hibernation are reported as well. @module */
import type { AdapterRole } from '../../../shared/protocol/link.ts';

/** What is known of links that the edge opens. */
export interface DialedLinks {
  /** Nobody needs a connection: its absence is no change then. */
  readonly isReleased: boolean;
  /** Adapters that are not connected yet are being dialed, and none has failed. */
  readonly awaitsAdapters: boolean;
}

/** What is known of a site whose adapters connect to the edge. */
export const NOT_DIALED: DialedLinks = { isReleased: false, awaitsAdapters: false };

/** Whether an adapter serves the site. */
export type LinkStatus = 'Down' | 'Up';

export class LinkStatusStore {
  readonly #sql: SqlStorage;
  readonly #dialed: () => DialedLinks;
  /** The names of the adapters, the active ones first, as one text; that is empty if none serves the site. */
  #reported: string;

  constructor(sql: SqlStorage, dialed: () => DialedLinks) {
    this.#sql = sql;
    this.#dialed = dialed;
    sql.exec('CREATE TABLE IF NOT EXISTS link_status (id INTEGER PRIMARY KEY, adapters TEXT NOT NULL)');
    const [stored] = sql.exec<{ adapters: string }>('SELECT adapters FROM link_status').toArray();
    this.#reported = stored?.adapters ?? namesOf([]);
  }

  /** The status that watchers know. */
  get reported(): LinkStatus {
    return statusOf(this.#reported);
  }

  get isReleased(): boolean {
    return this.#dialed().isReleased;
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

  /** A released link counts as up, and what is being dialed as connected if it was. */
  #namesOf(roles: readonly AdapterRole[]): string {
    const names = namesOf(roles);
    if (roles.some(({ role }) => role === 'active'))
      return this.#dialed().awaitsAdapters && isPartOf(names, this.#reported) ? this.#reported : names;
    if (!this.isReleased) return names;
    return this.reported === 'Up' ? this.#reported : RELEASED;
  }
}

/** In place of the names, for a link that was released before its adapter was known. */
const RELEASED = '["?"]';

/** Before the name of an adapter that is lost. */
const LOST = 'lost\n';

function namesOf(roles: readonly AdapterRole[]): string {
  const named = (wanted: AdapterRole['role']) =>
    roles
      .filter(({ role }) => role === wanted)
      .map(({ adapter }) => adapter)
      .sort();
  const lost = named('lost').map((adapter) => `${LOST}${adapter}`);
  return JSON.stringify([named('active').join('\n'), ...named('standby'), ...lost]);
}

/** Whether the adapters that serve the site have done so before, and no other is new. Those that are awaited are not lost. */
function isPartOf(names: string, reported: string): boolean {
  const [active = '', ...others] = JSON.parse(names) as string[];
  const [reportedActive = '', ...reportedOthers] = JSON.parse(reported) as string[];
  const served = reportedActive.split('\n');
  const isServed = (name: string) => served.includes(name);
  const isKnown = (name: string) => reportedOthers.includes(name) || isServed(name.replace(LOST, ''));
  return active.split('\n').every(isServed) && others.every(isKnown);
}

function statusOf(names: string): LinkStatus {
  return (JSON.parse(names) as string[])[0] === '' ? 'Down' : 'Up';
}
