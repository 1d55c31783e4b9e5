/** What the tenant has decreed for this site: its policy, and the keys that have ended. @module */
import { Limits, type Policy } from '../shared/policy.ts';

/** Until the tenant has said anything; any policy of a tenant's is newer. */
const NONE_YET: Policy = { version: -1, limits: Limits.parse({}), rules: [], kept_seconds: 3_600 };

export class Governance {
  readonly #sql: SqlStorage;
  #policy: Policy;
  /** As it is stored. */
  #text: string;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS policy (id INTEGER PRIMARY KEY, policy TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS revoked (key TEXT PRIMARY KEY) WITHOUT ROWID;
    `);
    const stored = sql.exec<{ policy: string }>('SELECT policy FROM policy').toArray()[0];
    this.#text = stored?.policy ?? JSON.stringify(NONE_YET);
    this.#policy = JSON.parse(this.#text) as Policy;
  }

  /** What holds now. */
  get policy(): Policy {
    return this.#policy;
  }

  /** Takes a policy over unless it is older than what holds. Says whether anything has changed. */
  govern(policy: Policy): boolean {
    if (policy.version < this.#policy.version) return false;
    const text = JSON.stringify(policy);
    if (text === this.#text) return false;
    this.#policy = policy;
    this.#text = text;
    this.#sql.exec('INSERT OR REPLACE INTO policy (id, policy) VALUES (1, ?)', text);
    return true;
  }

  /**
   * A key has ended. It is remembered for good: a door may still let it in by what it was told before, and a token
   * that it has minted may be given on a live socket as long as it lasts.
   */
  revoke(key: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO revoked (key) VALUES (?)', key);
  }

  isRevoked(key: string): boolean {
    return this.#sql.exec('SELECT 1 FROM revoked WHERE key = ?', key).toArray().length > 0;
  }
}
