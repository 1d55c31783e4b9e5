/** The audit trail: who did what, from where, with which outcome. It never contains a secret. @module */
import type { AdminRole } from '../../shared/policy/admin-roles.ts';

/** Who acts. */
export interface Actor {
  /** `admin` for the admin secret, `admin:` and the name of an administrator, or `key:` and the id of an API key. */
  readonly actor: string;
  /** The role of the administrator; null for an API key. */
  readonly role: AdminRole | null;
  /** The IP address; `unknown` where the platform does not provide one. */
  readonly address: string;
  /** Id of the key with which a tenant manages itself; absent for an administrator. */
  readonly manager?: string;
}

export interface AuditedAction extends Actor {
  /** Such as `key.revoke`. */
  readonly action: string;
  /** Id of what was changed. */
  readonly target: string;
  /** `ok`, or why the action was rejected. */
  readonly outcome: string;
}

/** An entry of the trail, as the admin API shows it. */
export interface AuditEntry extends Omit<AuditedAction, 'address' | 'manager'> {
  readonly n: number;
  readonly at: string;
  /** The address of the actor. */
  readonly from: string;
}

/** At most this many entries are kept, … */
export const MAX_ENTRIES = 10_000;
/** … each for 90 days, in milliseconds. */
export const ENTRY_TTL_MS = 90 * 86_400_000;

/** How many entries beyond {@link MAX_ENTRIES} are dropped at once: finding the oldest reads the whole table. */
const DROP_BATCH = 100;

/** Longer fields are cut. */
const MAX_FIELD_CHARACTERS = 256;

/** A request of an administrator whose role does not allow it. */
export const REFUSED_ACTION = 'admin.refused';

/**
 * Actions that a busy tenant, or a program with too weak a role, performs many times a second. Their entries are dropped first, so that
 * they do not displace those of changes.
 */
const FREQUENT_ACTIONS = ['token.mint', REFUSED_ACTION] as const;

type AuditRow = {
  id: number;
  at: number;
  actor: string;
  role: AdminRole | null;
  address: string;
  action: string;
  target: string;
  outcome: string;
};

export class AuditTrail {
  readonly #sql: SqlStorage;
  #count: number | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Records an action: one row. */
  record({ actor, role, address, action, target, outcome }: AuditedAction, now: number): void {
    this.#sql.exec(
      'INSERT INTO audit (at, role, actor, address, action, target, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)',
      now,
      // A Worker of an earlier release, which runs beside this object during a deploy, sends none.
      role ?? null,
      ...[actor, address, action, target, outcome].map((text) => text.slice(0, MAX_FIELD_CHARACTERS)),
    );
    this.#count = this.#countEntries() + (this.#count === undefined ? 0 : 1);
    if (this.#count >= MAX_ENTRIES + DROP_BATCH) this.#drop(this.#count - MAX_ENTRIES);
  }

  /**
   * Returns entries, newest first, starting before entry `before`.
   * @param options.byKeys only what API keys of the tenant did
   */
  list(limit: number, before = Number.MAX_SAFE_INTEGER, { byKeys = false } = {}): AuditEntry[] {
    return this.#sql
      .exec<AuditRow>(
        `SELECT * FROM audit WHERE id < ? AND (? = 0 OR actor LIKE 'key:%') ORDER BY id DESC LIMIT ?`,
        before,
        byKeys ? 1 : 0,
        limit,
      )
      .toArray()
      .map(({ id, at, address, ...row }) => ({
        n: id,
        at: new Date(at).toISOString(),
        from: address,
        ...row,
      }));
  }

  /** When {@link trim} is due, in Unix milliseconds; infinity where the trail is empty. */
  get due(): number {
    const [oldest] = this.#sql.exec<{ at: number }>('SELECT at FROM audit ORDER BY id LIMIT 1').toArray();
    return oldest ? oldest.at + ENTRY_TTL_MS : Number.POSITIVE_INFINITY;
  }

  /** Drops entries that are older than {@link ENTRY_TTL_MS}. */
  trim(now: number): void {
    if (now < this.due) return;
    this.#sql.exec('DELETE FROM audit WHERE at <= ?', now - ENTRY_TTL_MS);
    this.#count = undefined;
  }

  clear(): void {
    this.#sql.exec('DELETE FROM audit');
    this.#count = undefined;
  }

  /** Drops the oldest entries: frequent ones first, then those of API keys, so that a tenant cannot displace those of administrators. */
  #drop(count: number): void {
    this.#sql.exec(
      "DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY action IN (?, ?) DESC, actor LIKE 'key:%' DESC, id LIMIT ?)",
      ...FREQUENT_ACTIONS,
      count,
    );
    this.#count = undefined;
  }

  #countEntries(): number {
    return (
      this.#count ?? this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM audit').one().count
    );
  }
}
