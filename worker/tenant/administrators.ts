/** The administrators of a deployment: their names, roles and keys. Of a key, only the hash of its secret is stored. @module */
import type { AdminRole } from '../../shared/policy/admin-roles.ts';
import { equalHashes } from './equal-hashes.ts';
import { REVOKED_KEY_TTL_MS } from './keys.ts';

/** A key of an administrator. Times are Unix milliseconds. */
export interface Administrator {
  /** The id of the key. */
  readonly id: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  /** May be in the future: the key is valid until then. */
  readonly revokedAt: number | null;
}

/** A key that is presented. Its MAC has been verified. */
export interface PresentedKey {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of its secret, in hex. */
  readonly hash: string;
}

/** The maximum number of keys of administrators, including revoked keys that are still listed. */
export const MAX_ADMINISTRATORS = 500;

/** The precision of the last use, in milliseconds, so that a program that polls costs one row a minute. */
const LAST_USED_PRECISION_MS = 60_000;

type AdministratorRow = {
  id: string;
  name: string;
  role: AdminRole;
  hash: string;
  created_at: number;
  last_used_at: number | null;
  revoked_at: number | null;
};

export class AdministratorStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Returns the administrator to whom a key belongs, and records its use; undefined for a key that is not valid now. */
  authenticate({ id, name, hash }: PresentedKey, now: number): Administrator | undefined {
    const [row] = this.#sql.exec<AdministratorRow>('SELECT * FROM administrators WHERE id = ?', id).toArray();
    if (row?.name !== name || !equalHashes(hash, row.hash)) return undefined;
    if (row.revoked_at !== null && row.revoked_at <= now) return undefined;
    if (row.last_used_at === null || now - row.last_used_at >= LAST_USED_PRECISION_MS)
      this.#sql.exec('UPDATE administrators SET last_used_at = ? WHERE id = ?', now, id);
    return fromRow(row);
  }

  /** Returns all keys by name, oldest first; revoked ones for 90 days. */
  list(): Administrator[] {
    return this.#sql
      .exec<AdministratorRow>('SELECT * FROM administrators ORDER BY name, created_at, id')
      .toArray()
      .map(fromRow);
  }

  /** Returns the key that an administrator has, or undefined where there is no such administrator. */
  current(name: string): Administrator | undefined {
    return this.#sql
      .exec<AdministratorRow>('SELECT * FROM administrators WHERE name = ? AND revoked_at IS NULL', name)
      .toArray()
      .map(fromRow)[0];
  }

  get isFull(): boolean {
    const { count } = this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM administrators').one();
    return count >= MAX_ADMINISTRATORS;
  }

  add({ id, name, hash }: PresentedKey, role: AdminRole, now: number): void {
    this.#sql.exec(
      'INSERT INTO administrators (id, name, role, hash, created_at) VALUES (?, ?, ?, ?, ?)',
      id,
      name,
      role,
      hash,
      now,
    );
  }

  /** Lets a key expire at the given time. */
  expire(id: string, at: number, now: number): void {
    this.#sql.exec(
      `UPDATE administrators SET revoked_at = ?, hash = iif(? <= ?, '', hash) WHERE id = ?`,
      at,
      at,
      now,
      id,
    );
  }

  /** Revokes all keys of an administrator. Their hashes are removed, so that they stay revoked when the clock is set back. */
  revoke(name: string, now: number): void {
    this.#sql.exec(
      `UPDATE administrators SET hash = '', revoked_at = ? WHERE name = ? AND (revoked_at IS NULL OR revoked_at > ?)`,
      now,
      name,
      now,
    );
  }

  /** When {@link trim} is due, in Unix milliseconds; infinity for never. */
  get due(): number {
    const { due } = this.#sql
      .exec<{ due: number | null }>('SELECT min(revoked_at) AS due FROM administrators')
      .one();
    return due === null ? Number.POSITIVE_INFINITY : due + REVOKED_KEY_TTL_MS;
  }

  /** Drops keys that were revoked {@link REVOKED_KEY_TTL_MS} ago. */
  trim(now: number): void {
    this.#sql.exec('DELETE FROM administrators WHERE revoked_at <= ?', now - REVOKED_KEY_TTL_MS);
  }
}

function fromRow({ id, name, role, ...times }: AdministratorRow): Administrator {
  return {
    id,
    name,
    role,
    createdAt: times.created_at,
    lastUsedAt: times.last_used_at,
    revokedAt: times.revoked_at,
  };
}
