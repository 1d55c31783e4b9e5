/** The adapters that a Dialer must dial again, also after it was restarted. @module */
import type { DialOrder } from '../../shared/policy/link-setting.ts';
import type { SchemaStep } from '../objects/migrate.ts';

export const DIALER_SCHEMA: readonly SchemaStep[] = [
  {
    name: 'adapters to dial again',
    sql: `
      CREATE TABLE redials (
        site TEXT NOT NULL,
        url TEXT NOT NULL,
        dial_order TEXT NOT NULL,
        due INTEGER,
        failures INTEGER NOT NULL,
        PRIMARY KEY (site, url)
      ) WITHOUT ROWID;
    `,
  },
];

/** An adapter that waits, or whose link is kept. */
export interface Redial {
  readonly url: string;
  readonly order: DialOrder;
  /** In Unix milliseconds; null while its link is open. */
  readonly due: number | null;
  readonly failures: number;
}

type RedialRow = { url: string; dial_order: string; due: number | null; failures: number };

export class RedialStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  list(): Redial[] {
    return this.#sql
      .exec<RedialRow>('SELECT url, dial_order, due, failures FROM redials')
      .toArray()
      .map(({ dial_order, ...row }) => ({ ...row, order: JSON.parse(dial_order) as DialOrder }));
  }

  set({ url, order, due, failures }: Redial): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO redials (site, url, dial_order, due, failures) VALUES (?, ?, ?, ?, ?)',
      order.siteName,
      url,
      JSON.stringify(order),
      due,
      failures,
    );
  }

  delete(siteName: string, url: string): void {
    this.#sql.exec('DELETE FROM redials WHERE site = ? AND url = ?', siteName, url);
  }
}
