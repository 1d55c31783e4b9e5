/**
 * What a Tenant has to tell its switchboards, kept until it is done: one that cannot be reached is asked again, also
 * after a crash in between.
 * @module
 */
import { ADMISSION_KEPT_MS, type Location } from './admission.ts';
import type { Site } from './sites.ts';

/** New policy, a key that has ended, or the end of the site. */
export type ErrandKind = 'govern' | 'revoke' | 'erase';

export interface Errand {
  /** Never used again: the same errand given anew, while it is under way, has another. */
  readonly id: number;
  readonly kind: ErrandKind;
  readonly site: string;
  /** Near which the site's object stands or, if nobody has connected yet, is made by this. */
  readonly location: Location | null;
  /** The key's id; empty but for `revoke`. */
  readonly key: string;
  /** When it is to be done once more, in Unix milliseconds, though it was done. */
  readonly again: number | null;
  readonly tries: number;
}

/**
 * A door may still admit by what it was told before, and a socket let in so would outlive the key or the site. So what
 * shuts out is done a second time when no door can remember; 5 s are for what was under way.
 */
export const AGAIN_AFTER_MS = ADMISSION_KEPT_MS + 5_000;

/** Who has taken an errand has so long for it, in milliseconds; then it is anyone's again. More than one try takes. */
const LEASE_MS = 10_000;

/** The wait after the first failure and the longest one, in milliseconds; it doubles. */
const BACKOFF_MS = { first: 1_000, longest: 60_000 };

export class Errands {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Gives an errand, due now. The end of a site makes its others needless. */
  add(kind: ErrandKind, { id, location }: Pick<Site, 'id' | 'location'>, now: number, key = ''): void {
    if (kind === 'erase') this.#sql.exec('DELETE FROM errands WHERE site = ?', id);
    this.#sql.exec(
      'INSERT OR REPLACE INTO errands (kind, site, location, key, due, again, tries) VALUES (?, ?, ?, ?, ?, ?, 0)',
      kind,
      id,
      location,
      key,
      now,
      kind === 'govern' ? null : now + AGAIN_AFTER_MS,
    );
  }

  /** Takes what is due, the oldest first and so many at most. Nobody else takes them for {@link LEASE_MS}. */
  take(now: number, most: number): Errand[] {
    const taken = this.#sql
      .exec<Row>('SELECT * FROM errands WHERE due <= ? ORDER BY due, id LIMIT ?', now, most)
      .toArray();
    for (const { id } of taken) this.#sql.exec('UPDATE errands SET due = ? WHERE id = ?', now + LEASE_MS, id);
    return taken;
  }

  /** It is done. */
  done({ id, again }: Errand, now: number): void {
    if (again === null || now >= again) this.#sql.exec('DELETE FROM errands WHERE id = ?', id);
    else this.#sql.exec('UPDATE errands SET due = ?, again = NULL, tries = 0 WHERE id = ?', again, id);
  }

  /** It could not be done. */
  failed({ id, tries }: Errand, now: number): void {
    const wait = Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** tries);
    this.#sql.exec('UPDATE errands SET due = ?, tries = tries + 1 WHERE id = ?', now + wait, id);
  }

  /** When the next one is due, in Unix milliseconds; infinity where there is none. */
  get due(): number {
    const { next } = this.#sql.exec<{ next: number | null }>('SELECT min(due) AS next FROM errands').one();
    return next ?? Number.POSITIVE_INFINITY;
  }

  /** Sites that could not be reached yet. */
  unreached(now: number): string[] {
    return this.#sql
      .exec<{ site: string }>(
        'SELECT DISTINCT site FROM errands WHERE tries > 0 OR due <= ? ORDER BY site',
        now,
      )
      .toArray()
      .map(({ site }) => site);
  }

  /** Sites whose end is not over. */
  erasing(): string[] {
    return this.#sql
      .exec<{ site: string }>("SELECT site FROM errands WHERE kind = 'erase' ORDER BY site")
      .toArray()
      .map(({ site }) => site);
  }
}

type Row = {
  id: number;
  kind: ErrandKind;
  site: string;
  location: Location | null;
  key: string;
  due: number;
  again: number | null;
  tries: number;
};
