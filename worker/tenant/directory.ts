/** The list of tenants, for administration only: nothing on a call's path asks it. @module */
import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { Audit, type By, type Entry } from './audit.ts';
import { migrate } from './migrate.ts';
import { DIRECTORY_STEPS } from './schema.ts';

/** The name of the one object. */
export const DIRECTORY = 'directory';

export interface Listed {
  readonly id: string;
  readonly created: string;
  /** When it was deleted; null: it stands. */
  readonly deleted: string | null;
}

/** Tenants in one answer. */
export const LISTED_TOGETHER = 1_000;

type Row = { id: string; created: number; deleted: number | null };

export class Directory extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #audit: Audit;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage, DIRECTORY_STEPS);
    this.#sql = ctx.storage.sql;
    this.#audit = new Audit(this.#sql);
  }

  /** Is there such a tenant? */
  has(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM tenants WHERE id = ? AND deleted IS NULL', id).toArray().length > 0;
  }

  /** Lists a tenant before it is made, so that none is made unlisted. Says whether it was not listed before. */
  add(id: string): boolean {
    if (this.has(id)) return false;
    this.#sql.exec('INSERT OR REPLACE INTO tenants (id, created) VALUES (?, ?)', id, Date.now());
    return true;
  }

  /** Takes one from the list that did not come about. */
  drop(id: string): void {
    this.#sql.exec('UPDATE tenants SET deleted = ? WHERE id = ? AND deleted IS NULL', Date.now(), id);
  }

  /** By id, from after `after` on; deleted ones where they are wanted. */
  list({ after = '', deleted = false }: { after?: string; deleted?: boolean }): Listed[] {
    return this.#sql
      .exec<Row>(
        'SELECT * FROM tenants WHERE id > ? AND (? OR deleted IS NULL) ORDER BY id LIMIT ?',
        after,
        deleted ? 1 : 0,
        LISTED_TOGETHER,
      )
      .toArray()
      .map((row) => ({
        id: row.id,
        created: new Date(row.created).toISOString(),
        deleted: row.deleted === null ? null : new Date(row.deleted).toISOString(),
      }));
  }

  /** Notes how the making or the deletion of a tenant ended: a deleted tenant keeps no trail of its own. */
  async note(
    by: By,
    action: 'tenant.create' | 'tenant.delete',
    target: string,
    outcome: string,
  ): Promise<void> {
    this.#audit.note({ ...by, action, target, outcome }, Date.now());
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(this.#audit.due);
  }

  /** The trail, newest first, from before entry `before` on. */
  trail(limit: number, before?: number): Entry[] {
    return this.#audit.list(limit, before);
  }

  override async alarm(): Promise<void> {
    this.#audit.trim(Date.now());
    const { due } = this.#audit;
    if (due !== Number.POSITIVE_INFINITY) await this.ctx.storage.setAlarm(due);
  }
}
