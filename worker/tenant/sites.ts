/** The sites of a tenant. @module */
import type { AdaptersMode } from '../../shared/policy/adapters-setting.ts';
import type { LinkSetting } from '../../shared/policy/link-setting.ts';
import type { Location } from '../../shared/policy/locations.ts';
import type { Rules } from '../../shared/policy/policy.ts';
import { applyRulesChange, type RulesChange } from './settings.ts';

export interface Site {
  readonly id: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Where its object is created; null for near the first client. An existing object does not move. */
  readonly location: Location | null;
  readonly rules: Rules;
  /** Who opens the link to the adapter. */
  readonly link: LinkSetting;
  readonly adapters: AdaptersMode;
  /** Whether an OpenSIPS goes on with the calls of another one. */
  readonly replicated_dialogs: boolean;
}

/** A change. Absent fields stay as they are. */
export interface SiteChanges {
  readonly location?: Location | null | undefined;
  readonly rules?: RulesChange | undefined;
  readonly link?: LinkSetting | undefined;
  readonly adapters?: AdaptersMode | undefined;
  readonly replicated_dialogs?: boolean | undefined;
}

/**
 * The maximum number of sites of a tenant: a change is sent to all of them, and one invocation of an object may make
 * 1,000 calls to others on the platform.
 */
export const MAX_SITES = 200;

type SiteRow = {
  id: string;
  created_at: number;
  location: Location | null;
  rules: string;
  link: string;
  adapters: AdaptersMode;
  replicated_dialogs: number;
};

export class SiteStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(id: string): Site | undefined {
    return this.#sql.exec<SiteRow>('SELECT * FROM sites WHERE id = ?', id).toArray().map(fromRow)[0];
  }

  /** Returns all sites by id. */
  list(): Site[] {
    return this.#sql.exec<SiteRow>('SELECT * FROM sites ORDER BY id').toArray().map(fromRow);
  }

  get count(): number {
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM sites').one().count;
  }

  add(id: string, now: number): void {
    this.#sql.exec('INSERT INTO sites (id, created_at) VALUES (?, ?)', id, now);
  }

  change(before: Site, changes: SiteChanges): void {
    const { location = before.location, rules = {}, link = before.link } = changes;
    const { adapters = before.adapters, replicated_dialogs = before.replicated_dialogs } = changes;
    const changedRules = JSON.stringify(applyRulesChange(before.rules, rules));
    this.#sql.exec(
      'UPDATE sites SET location = ?, rules = ?, link = ?, adapters = ?, replicated_dialogs = ? WHERE id = ?',
      location,
      changedRules,
      JSON.stringify(link),
      adapters,
      replicated_dialogs ? 1 : 0,
      before.id,
    );
  }

  delete(id: string): void {
    this.#sql.exec('DELETE FROM sites WHERE id = ?', id);
  }

  clear(): void {
    this.#sql.exec('DELETE FROM sites');
  }
}

function fromRow({ id, created_at, location, rules, link, adapters, replicated_dialogs }: SiteRow): Site {
  return {
    id,
    createdAt: created_at,
    location,
    rules: JSON.parse(rules) as Rules,
    link: JSON.parse(link) as LinkSetting,
    adapters,
    replicated_dialogs: replicated_dialogs === 1,
  };
}
