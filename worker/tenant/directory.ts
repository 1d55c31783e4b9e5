/**
 * The list of tenants. Only administration uses it: no call depends on it. Each tenant reports its creation and deletion here, and
 * repeats that until it has arrived, so that list and tenants agree.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import { Alarm } from '../objects/alarm.ts';
import { migrate } from '../objects/migrate.ts';
import { WriteProbe } from '../objects/write-probe.ts';
import { type Actor, type AuditEntry, AuditTrail } from './audit.ts';
import { DIRECTORY_SCHEMA } from './schema.ts';
import type { TenantState } from './settings.ts';

/** The name of the one object. */
export const DIRECTORY_NAME = 'directory';

export interface TenantListing {
  readonly id: string;
  readonly created: string;
  /** When it was deleted; null for a tenant that exists. */
  readonly deleted: string | null;
}

/** The maximum number of tenants in one response. */
export const MAX_LISTED_TENANTS = 1_000;

type TenantRow = { id: string; created_at: number; deleted_at: number | null };

export class Directory extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #audit: AuditTrail;
  readonly #writeProbe: WriteProbe;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage, DIRECTORY_SCHEMA);
    this.#sql = ctx.storage.sql;
    this.#audit = new AuditTrail(this.#sql);
    this.#writeProbe = new WriteProbe(ctx.storage);
  }

  /** Resolves if this object can store data. Rejects with the error of the storage otherwise. */
  checkStorage(): Promise<void> {
    return this.#writeProbe.check(Date.now());
  }

  /** Returns whether the tenant exists. */
  has(id: string): boolean {
    return (
      this.#sql.exec('SELECT 1 FROM tenants WHERE id = ? AND deleted_at IS NULL', id).toArray().length > 0
    );
  }

  /** Lists a tenant as it is, unless a newer state of it is listed: two reports may overtake each other. */
  record({ id, createdAt, deletedAt, version }: TenantState): void {
    this.#sql.exec(
      `INSERT INTO tenants (id, created_at, deleted_at, version) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, deleted_at = excluded.deleted_at,
       version = excluded.version WHERE excluded.version >= tenants.version`,
      id,
      createdAt,
      deletedAt,
      version,
    );
  }

  /**
   * Marks a tenant as deleted that does not exist, and has never reported that it does: an earlier release listed a tenant before it
   * was created.
   */
  markMissing(id: string): void {
    this.#sql.exec(
      'UPDATE tenants SET deleted_at = ? WHERE id = ? AND version = 0 AND deleted_at IS NULL',
      Date.now(),
      id,
    );
  }

  /** Returns tenants by id, starting after `after`, including deleted ones if requested. */
  list({ after = '', deleted = false }: { after?: string; deleted?: boolean }): TenantListing[] {
    return this.#sql
      .exec<TenantRow>(
        'SELECT * FROM tenants WHERE id > ? AND (? OR deleted_at IS NULL) ORDER BY id LIMIT ?',
        after,
        deleted ? 1 : 0,
        MAX_LISTED_TENANTS,
      )
      .toArray()
      .map((row) => ({
        id: row.id,
        created: new Date(row.created_at).toISOString(),
        deleted: row.deleted_at === null ? null : new Date(row.deleted_at).toISOString(),
      }));
  }

  /** Records the creation or deletion of a tenant here, because a deleted tenant has no trail of its own. */
  async recordAudit(
    actor: Actor,
    action: 'tenant.create' | 'tenant.delete',
    target: string,
    outcome: string,
  ): Promise<void> {
    const now = Date.now();
    this.#audit.record({ ...actor, action, target, outcome }, now);
    const alarm = new Alarm(this.ctx.storage);
    await alarm.load();
    alarm.arm(this.#audit.due, now);
  }

  /** Returns audit entries, newest first, starting before entry `before`. */
  listAudit(limit: number, before?: number): AuditEntry[] {
    return this.#audit.list(limit, before);
  }

  override async alarm(): Promise<void> {
    this.#audit.trim(Date.now());
    const { due } = this.#audit;
    if (due !== Number.POSITIVE_INFINITY) await this.ctx.storage.setAlarm(due);
  }
}
