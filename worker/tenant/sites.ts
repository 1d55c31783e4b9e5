/** The sites of a tenant. @module */
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
}

/** A change. Absent fields stay as they are. */
export interface SiteChanges {
  readonly location?: Location | null | undefined;
  readonly rules?: RulesChange | undefined;
  readonly link?: LinkSetting | undefined;
}

/**
 * The maximum number of sites of a tenant: a change is sent to all of them, and one invocation of an object may make
 * 1,000 calls to others on the platform.
 */
export const MAX_SITES = 200;

type SiteRow = { id: string; created_at: number; location: Location | null; rules: string; link: string };

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

  change(before: Site, { location = before.location, rules = {}, link = before.link }: SiteChanges): void {
    const changedRules = JSON.stringify(applyRulesChange(before.rules, rules));
    this.#sql.exec(
      'UPDATE sites SET location = ?, rules = ?, link = ? WHERE id = ?',
      location,
      changedRules,
      JSON.stringify(link),
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

function fromRow({ id, created_at, location, rules, link }: SiteRow): Site {
  return {
    id,
    createdAt: created_at,
    location,
    rules: JSON.parse(rules) as Rules,
    link: JSON.parse(link) as LinkSetting,
  };
}
