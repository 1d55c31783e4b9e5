/** The keys of a tenant: their scopes, and the hash of their secret. The secret itself is never stored. @module */
import type { KeyRole, Scope } from '../../shared/policy/policy.ts';

/** A key. Times are Unix milliseconds. */
export interface Key {
  readonly id: string;
  readonly role: KeyRole;
  /** The one site that it is for; null for any site. */
  readonly site: string | null;
  readonly scopes: readonly Scope[];
  /** SHA-256 of its secret, in hex. */
  readonly hash: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  /** May be in the future: the key is valid until then. */
  readonly revokedAt: number | null;
  /** Whether the switchboards know of the revocation, which is final then. */
  readonly isAnnounced: boolean;
}

/** The maximum number of keys of a tenant, including revoked keys that are still listed. */
export const MAX_KEYS = 2_000;

/** Revoked keys stay listed for as long as the audit trail may name them: 90 days, in milliseconds. */
export const REVOKED_KEY_TTL_MS = 90 * 86_400_000;

/** The precision of the last use, in milliseconds, so that a busy key costs one row a minute. */
const LAST_USED_PRECISION_MS = 60_000;

type KeyRow = {
  id: string;
  role: KeyRole;
  site: string | null;
  scopes: string;
  hash: string;
  created_at: number;
  last_used_at: number | null;
  revoked_at: number | null;
  is_announced: number;
};

export class KeyStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(id: string): Key | undefined {
    return this.#sql.exec<KeyRow>('SELECT * FROM keys WHERE id = ?', id).toArray().map(fromRow)[0];
  }

  /** Returns all keys, oldest first. */
  list(): Key[] {
    return this.#sql.exec<KeyRow>('SELECT * FROM keys ORDER BY created_at, id').toArray().map(fromRow);
  }

  get count(): number {
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM keys').one().count;
  }

  add(
    { id, role, site, scopes, hash }: Pick<Key, 'id' | 'role' | 'site' | 'scopes' | 'hash'>,
    now: number,
  ): void {
    this.#sql.exec(
      'INSERT INTO keys (id, role, site, scopes, hash, created_at) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      role,
      site,
      JSON.stringify(scopes),
      hash,
      now,
    );
  }

  /** Records that a key is used now. */
  recordUse({ id, lastUsedAt }: Key, now: number): void {
    if (lastUsedAt !== null && now - lastUsedAt < LAST_USED_PRECISION_MS) return;
    this.#sql.exec('UPDATE keys SET last_used_at = ? WHERE id = ?', now, id);
  }

  /** Revokes a key at the given time, unless it is revoked earlier anyway. */
  revoke(id: string, at: number): void {
    this.#sql.exec(
      'UPDATE keys SET revoked_at = ? WHERE id = ? AND (revoked_at IS NULL OR revoked_at > ?)',
      at,
      id,
      at,
    );
  }

  /** Revokes the keys that are for this one site. */
  revokeForSite(site: string, at: number): void {
    for (const { id } of this.#sql.exec<{ id: string }>('SELECT id FROM keys WHERE site = ?', site).toArray())
      this.revoke(id, at);
  }

  /** Returns the keys whose revocation the switchboards do not know, and marks them as announced. */
  takeUnannounced(now: number): Key[] {
    const unannounced = this.#sql
      .exec<KeyRow>('SELECT * FROM keys WHERE revoked_at <= ? AND is_announced = 0', now)
      .toArray()
      .map(fromRow);
    for (const { id } of unannounced) this.#sql.exec('UPDATE keys SET is_announced = 1 WHERE id = ?', id);
    return unannounced;
  }

  /** When {@link takeUnannounced} or {@link trim} is due, in Unix milliseconds; infinity for never. */
  get due(): number {
    const { due } = this.#sql
      .exec<{ due: number | null }>(
        'SELECT min(CASE is_announced WHEN 0 THEN revoked_at ELSE revoked_at + ? END) AS due FROM keys',
        REVOKED_KEY_TTL_MS,
      )
      .one();
    return due ?? Number.POSITIVE_INFINITY;
  }

  /** Drops keys that were revoked {@link REVOKED_KEY_TTL_MS} ago. */
  trim(now: number): void {
    this.#sql.exec('DELETE FROM keys WHERE is_announced = 1 AND revoked_at <= ?', now - REVOKED_KEY_TTL_MS);
  }

  clear(): void {
    this.#sql.exec('DELETE FROM keys');
  }
}

/** Returns whether the key is valid at this time. */
export function isValid({ revokedAt, isAnnounced }: Key, now: number): boolean {
  // A key that was revoked stays so when the clock is set back.
  return !isAnnounced && (revokedAt === null || now < revokedAt);
}

function fromRow({ id, role, site, scopes, hash, ...times }: KeyRow): Key {
  return {
    id,
    role,
    site,
    scopes: JSON.parse(scopes) as Scope[],
    hash,
    createdAt: times.created_at,
    lastUsedAt: times.last_used_at,
    revokedAt: times.revoked_at,
    isAnnounced: times.is_announced === 1,
  };
}
