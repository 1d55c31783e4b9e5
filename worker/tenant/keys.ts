/** The keys of a tenant: what they may do, and the hash of their secret. The secret itself never comes here. @module */
import type { Scope } from '../../shared/policy.ts';
import type { Role } from '../door/api-keys.ts';

export interface Key {
  readonly id: string;
  readonly role: Role;
  /** The one site that it is for; null: any. */
  readonly site: string | null;
  readonly scopes: readonly Scope[];
  /** SHA-256 of its secret, in hex. */
  readonly hash: string;
  /** Times are Unix milliseconds. */
  readonly created: number;
  readonly lastUsed: number | null;
  /** May be in the future: the key holds until then. */
  readonly revokedAt: number | null;
}

/** So many keys may a tenant have, the revoked ones that are still listed among them. */
export const MOST_KEYS = 2_000;

/** Revoked keys are listed as long as the audit trail may name them: 90 days, in milliseconds. */
export const REVOKED_KEPT_MS = 90 * 86_400_000;

/** The last use is noted with this precision, in milliseconds, so that a busy key costs a row a minute. */
const USE_NOTED_MS = 60_000;

type Row = {
  id: string;
  role: Role;
  site: string | null;
  scopes: string;
  hash: string;
  created: number;
  last_used: number | null;
  revoked_at: number | null;
};

export class Keys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(id: string): Key | undefined {
    return this.#sql.exec<Row>('SELECT * FROM keys WHERE id = ?', id).toArray().map(read)[0];
  }

  /** All, the oldest first. */
  list(): Key[] {
    return this.#sql.exec<Row>('SELECT * FROM keys ORDER BY created, id').toArray().map(read);
  }

  get count(): number {
    return this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM keys').one().n;
  }

  add(
    { id, role, site, scopes, hash }: Pick<Key, 'id' | 'role' | 'site' | 'scopes' | 'hash'>,
    now: number,
  ): void {
    this.#sql.exec(
      'INSERT INTO keys (id, role, site, scopes, hash, created) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      role,
      site,
      JSON.stringify(scopes),
      hash,
      now,
    );
  }

  /** Notes that it was used just now. */
  used({ id, lastUsed }: Key, now: number): void {
    if (lastUsed !== null && now - lastUsed < USE_NOTED_MS) return;
    this.#sql.exec('UPDATE keys SET last_used = ? WHERE id = ?', now, id);
  }

  /** Ends it at a time, unless it ends sooner anyway. */
  revoke(id: string, at: number): void {
    this.#sql.exec(
      'UPDATE keys SET revoked_at = ? WHERE id = ? AND (revoked_at IS NULL OR revoked_at > ?)',
      at,
      id,
      at,
    );
  }

  /** Ends those that are for this one site. */
  revokeOf(site: string, at: number): void {
    for (const { id } of this.#sql.exec<{ id: string }>('SELECT id FROM keys WHERE site = ?', site).toArray())
      this.revoke(id, at);
  }

  /** Those that have ended and whose switchboards have not been told; from now on they count as told. */
  takeUntold(now: number): Key[] {
    const untold = this.#sql
      .exec<Row>('SELECT * FROM keys WHERE revoked_at <= ? AND told = 0', now)
      .toArray()
      .map(read);
    for (const { id } of untold) this.#sql.exec('UPDATE keys SET told = 1 WHERE id = ?', id);
    return untold;
  }

  /** When {@link takeUntold} or {@link trim} has something to do, in Unix milliseconds; infinity where nothing has. */
  get due(): number {
    const { next } = this.#sql
      .exec<{ next: number | null }>(
        'SELECT min(CASE told WHEN 0 THEN revoked_at ELSE revoked_at + ? END) AS next FROM keys',
        REVOKED_KEPT_MS,
      )
      .one();
    return next ?? Number.POSITIVE_INFINITY;
  }

  /** Forgets those that were revoked long ago. */
  trim(now: number): void {
    this.#sql.exec('DELETE FROM keys WHERE told = 1 AND revoked_at <= ?', now - REVOKED_KEPT_MS);
  }

  clear(): void {
    this.#sql.exec('DELETE FROM keys');
  }
}

/** Does the key hold at this time? */
export function holds({ revokedAt }: Key, now: number): boolean {
  return revokedAt === null || now < revokedAt;
}

function read({ scopes, last_used, revoked_at, id, role, site, hash, created }: Row): Key {
  const times = { created, lastUsed: last_used, revokedAt: revoked_at };
  return { id, role, site, scopes: JSON.parse(scopes) as Scope[], hash, ...times };
}
