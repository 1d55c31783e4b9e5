/** Stores what the tenant has decided for this site: its policy and revoked keys. @module */
import { Limits, type Policy } from '../../../shared/policy/policy.ts';

/** The policy until the tenant has sent one; any policy of the tenant is newer. */
const INITIAL_POLICY: Policy = { version: -1, limits: Limits.parse({}), rules: [], kept_seconds: 3_600 };

export class PolicyStore {
  readonly #sql: SqlStorage;
  #policy: Policy;
  /** The policy as it is stored. */
  #json: string;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS policy (id INTEGER PRIMARY KEY, policy TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS revoked_keys (key TEXT PRIMARY KEY) WITHOUT ROWID;
    `);
    const stored = sql.exec<{ policy: string }>('SELECT policy FROM policy').toArray()[0];
    this.#json = stored?.policy ?? JSON.stringify(INITIAL_POLICY);
    this.#policy = JSON.parse(this.#json) as Policy;
  }

  /** The policy in force. */
  get policy(): Policy {
    return this.#policy;
  }

  /** Adopts a policy unless it is older than the one in force. Returns whether anything has changed. */
  applyPolicy(policy: Policy): boolean {
    if (policy.version < this.#policy.version) return false;
    const json = JSON.stringify(policy);
    if (json === this.#json) return false;
    this.#policy = policy;
    this.#json = json;
    this.#sql.exec('INSERT OR REPLACE INTO policy (id, policy) VALUES (1, ?)', json);
    return true;
  }

  /**
   * Revokes a key for good. A cached grant may still accept the key for a while, and a token that it has issued may be
   * presented on an open socket until the token expires.
   */
  revokeKey(key: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO revoked_keys (key) VALUES (?)', key);
  }

  isRevoked(key: string): boolean {
    return this.#sql.exec('SELECT 1 FROM revoked_keys WHERE key = ?', key).toArray().length > 0;
  }
}
