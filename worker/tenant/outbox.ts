/**
 * The transactional outbox of a Tenant: updates for its switchboards and for the directory, stored with the change that caused them
 * and kept until they are delivered, also after a crash.
 * @module
 */
import type { Location } from '../../shared/policy/locations.ts';
import { GRANT_TTL_MS } from './access.ts';
import type { Site } from './sites.ts';

/** A new policy, a revoked key, or the deletion of the site; or, for the directory, that the tenant was created or deleted. */
export type SiteUpdateKind = 'policy' | 'revoke' | 'erase' | 'listing';

/** The site of an update for the directory: no site has this id. */
const NO_SITE = { id: '', location: null };

/** How long a request may be in progress in the Worker, in milliseconds, after a grant was cached. */
export const MAX_REQUEST_MS = 5_000;

export interface SiteUpdate {
  /** Never used again: the same update, added again while it is being delivered, has another id. */
  readonly id: number;
  readonly kind: SiteUpdateKind;
  readonly site: string;
  /** Where the site's object is or, if nobody has connected yet, where this update creates it. */
  readonly location: Location | null;
  /** The revoked key; empty for other kinds. */
  readonly keyId: string;
  /** When it is to be delivered a second time, in Unix milliseconds; null for never. */
  readonly repeatAt: number | null;
  readonly attempts: number;
}

/**
 * A Worker may use a cached grant for a while, and a socket that it opens so would outlive the key or the site. So
 * revocations and deletions are delivered a second time when every cache has expired, and requests in progress have ended.
 */
export const REPEAT_AFTER_MS = GRANT_TTL_MS + MAX_REQUEST_MS;

/** How long a taken update belongs to its taker, in milliseconds: longer than one attempt lasts. */
const LEASE_MS = 10_000;

/** The delay after the first failure and the longest one, in milliseconds. It doubles with each failure. */
const BACKOFF_MS = { first: 1_000, max: 60_000 };

export class Outbox {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Adds an update that is due now. The deletion of a site replaces all its other updates. */
  add(kind: SiteUpdateKind, { id, location }: Pick<Site, 'id' | 'location'>, now: number, keyId = ''): void {
    if (kind === 'erase') this.#sql.exec('DELETE FROM outbox WHERE site = ?', id);
    this.#sql.exec(
      `INSERT OR REPLACE INTO outbox (kind, site, location, key_id, due, repeat_at, attempts)
       VALUES (?, ?, ?, ?, ?, ?, 0)`,
      kind,
      id,
      location,
      keyId,
      now,
      kind === 'revoke' || kind === 'erase' ? now + REPEAT_AFTER_MS : null,
    );
  }

  /** Adds an update for the directory that is due now. */
  addListing(now: number): void {
    this.add('listing', NO_SITE, now);
  }

  /** Takes up to `limit` updates that are due, oldest first. No one else can take them for {@link LEASE_MS}. */
  take(now: number, limit: number): SiteUpdate[] {
    const due = this.#sql
      .exec<OutboxRow>(
        'SELECT * FROM outbox WHERE due <= ? OR due > ? ORDER BY due, id LIMIT ?',
        now,
        // Nothing waits longer, so this was added before the clock was set back.
        now + Math.max(BACKOFF_MS.max, REPEAT_AFTER_MS),
        limit,
      )
      .toArray();
    for (const { id } of due) this.#sql.exec('UPDATE outbox SET due = ? WHERE id = ?', now + LEASE_MS, id);
    return due.map(fromRow);
  }

  onDelivered({ id, repeatAt }: SiteUpdate, now: number): void {
    if (repeatAt === null || now >= repeatAt) this.#sql.exec('DELETE FROM outbox WHERE id = ?', id);
    else
      this.#sql.exec('UPDATE outbox SET due = ?, repeat_at = NULL, attempts = 0 WHERE id = ?', repeatAt, id);
  }

  onFailed({ id, attempts }: SiteUpdate, now: number): void {
    const delayMs = Math.min(BACKOFF_MS.max, BACKOFF_MS.first * 2 ** attempts);
    this.#sql.exec('UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE id = ?', now + delayMs, id);
  }

  /** When the next update is due, in Unix milliseconds; infinity for never. */
  get due(): number {
    const { due } = this.#sql.exec<{ due: number | null }>('SELECT min(due) AS due FROM outbox').one();
    return due ?? Number.POSITIVE_INFINITY;
  }

  /** Returns the sites that could not be reached yet. */
  unreachedSites(now: number): string[] {
    return this.#sql
      .exec<{ site: string }>(
        'SELECT DISTINCT site FROM outbox WHERE site <> ? AND (attempts > 0 OR due <= ?) ORDER BY site',
        NO_SITE.id,
        now,
      )
      .toArray()
      .map(({ site }) => site);
  }

  /** Returns the sites whose deletion is not complete. */
  sitesBeingErased(): string[] {
    return this.#sql
      .exec<{ site: string }>("SELECT site FROM outbox WHERE kind = 'erase' ORDER BY site")
      .toArray()
      .map(({ site }) => site);
  }
}

type OutboxRow = {
  id: number;
  kind: SiteUpdateKind;
  site: string;
  location: Location | null;
  key_id: string;
  due: number;
  repeat_at: number | null;
  attempts: number;
};

function fromRow({ id, kind, site, location, key_id, repeat_at, attempts }: OutboxRow): SiteUpdate {
  return { id, kind, site, location, keyId: key_id, repeatAt: repeat_at, attempts };
}
