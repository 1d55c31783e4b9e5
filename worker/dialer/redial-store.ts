/** The sites that a Dialer must dial again, also after it was restarted. @module */
import type { DialOrder } from '../../shared/policy/link-setting.ts';
import type { SchemaStep } from '../objects/migrate.ts';

export const DIALER_SCHEMA: readonly SchemaStep[] = [
  {
    name: 'sites to dial again',
    sql: `
      CREATE TABLE redials (
        site TEXT PRIMARY KEY,
        target TEXT NOT NULL,
        due INTEGER,
        failures INTEGER NOT NULL
      ) WITHOUT ROWID;
    `,
  },
];

/** A site that waits, or that is kept. */
export interface Redial {
  readonly target: DialOrder;
  /** In Unix milliseconds; null while its link is open. */
  readonly due: number | null;
  readonly failures: number;
}

type RedialRow = { target: string; due: number | null; failures: number };

export class RedialStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  list(): Redial[] {
    return this.#sql
      .exec<RedialRow>('SELECT target, due, failures FROM redials')
      .toArray()
      .map(({ target, ...row }) => ({ ...row, target: JSON.parse(target) as DialOrder }));
  }

  set({ target, due, failures }: Redial): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO redials (site, target, due, failures) VALUES (?, ?, ?, ?)',
      target.siteName,
      JSON.stringify(target),
      due,
      failures,
    );
  }

  delete(siteName: string): void {
    this.#sql.exec('DELETE FROM redials WHERE site = ?', siteName);
  }
}
