/** The sites of a tenant. @module */
import type { Rules } from '../../shared/policy.ts';
import type { Location } from './admission.ts';
import { changed, type RulesChange } from './settings.ts';

export interface Site {
  readonly id: string;
  /** Unix milliseconds. */
  readonly created: number;
  /** Near which its object is made; null: near whoever connects first. An object that is made does not move. */
  readonly location: Location | null;
  readonly rules: Rules;
}

/** A change. What is absent stays. */
export interface SiteChanges {
  readonly location?: Location | null | undefined;
  readonly rules?: RulesChange | undefined;
}

/**
 * So many sites may a tenant have: a change is told to all of them, and one call of an object on the platform may
 * make 1,000 others.
 */
export const MOST_SITES = 200;

type Row = { id: string; created: number; location: Location | null; rules: string };

export class Sites {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(id: string): Site | undefined {
    return this.#sql.exec<Row>('SELECT * FROM sites WHERE id = ?', id).toArray().map(read)[0];
  }

  /** All, by id. */
  list(): Site[] {
    return this.#sql.exec<Row>('SELECT * FROM sites ORDER BY id').toArray().map(read);
  }

  get count(): number {
    return this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM sites').one().n;
  }

  add(id: string, now: number): void {
    this.#sql.exec('INSERT INTO sites (id, created) VALUES (?, ?)', id, now);
  }

  change(
    { id, location: before, rules: rulesBefore }: Site,
    { location = before, rules = {} }: SiteChanges,
  ): void {
    const after = JSON.stringify(changed(rulesBefore, rules));
    this.#sql.exec('UPDATE sites SET location = ?, rules = ? WHERE id = ?', location, after, id);
  }

  delete(id: string): void {
    this.#sql.exec('DELETE FROM sites WHERE id = ?', id);
  }

  clear(): void {
    this.#sql.exec('DELETE FROM sites');
  }
}

function read({ rules, ...row }: Row): Site {
  return { ...row, rules: JSON.parse(rules) as Rules };
}
