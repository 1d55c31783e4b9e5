/**
 * The list of tenants, and the administrators of the deployment. Only administration uses it: no call depends on it. Each tenant reports its creation and deletion here, and
 * repeats that until it has arrived, so that list and tenants agree.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import type { AdminRole } from '../../shared/policy/admin-roles.ts';
import type { AdministratorView } from '../../shared/protocol/admin/administrators.ts';
import { quote } from '../../shared/settings/quote.ts';
import { Alarm } from '../objects/alarm.ts';
import { migrate } from '../objects/migrate.ts';
import { accept, type ChangeResult, type Outcome, reject } from '../objects/outcome.ts';
import { WriteProbe } from '../objects/write-probe.ts';
import { AdministratorStore, MAX_ADMINISTRATORS, type PresentedKey } from './administrators.ts';
import { type Actor, type AuditEntry, AuditTrail } from './audit.ts';
import { noAdministrator } from './rejections.ts';
import { DIRECTORY_SCHEMA } from './schema.ts';
import type { TenantState } from './settings.ts';
import { administratorView } from './views.ts';

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
  readonly #administrators: AdministratorStore;
  readonly #writeProbe: WriteProbe;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage, DIRECTORY_SCHEMA);
    this.#sql = ctx.storage.sql;
    this.#audit = new AuditTrail(this.#sql);
    this.#administrators = new AdministratorStore(this.#sql);
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

  /** Returns the role of the administrator to whom a key belongs; undefined for a key that is not valid now. */
  authenticate(key: PresentedKey): AdminRole | undefined {
    return this.#administrators.authenticate(key, Date.now())?.role;
  }

  /** Returns the administrators by name; revoked keys for 90 days. */
  listAdministrators(): AdministratorView[] {
    return this.#administrators.list().map(administratorView);
  }

  createAdministrator(key: PresentedKey, role: AdminRole, actor: Actor): Promise<Outcome<AdministratorView>> {
    return this.#runChange(actor, 'administrator.create', `${key.name} ${role}`, (now) => {
      if (this.#administrators.current(key.name))
        return reject(409, `name: the administrator ${quote(key.name)} exists already. Choose another name.`);
      return this.#addAdministrator(key, role, now);
    });
  }

  /**
   * Creates a key with the same name and role, and lets the old one expire.
   * @param grace seconds for which the old key stays valid
   */
  rotateAdministrator(key: PresentedKey, grace: number, actor: Actor): Promise<Outcome<AdministratorView>> {
    return this.#runChange(actor, 'administrator.rotate', key.name, (now) => {
      const old = this.#administrators.current(key.name);
      if (!old) return noAdministrator(key.name);
      const added = this.#addAdministrator(key, old.role, now);
      if (added.ok) this.#administrators.expire(old.id, now + grace * 1_000, now);
      return added;
    });
  }

  /** Revokes all keys of an administrator at once. */
  revokeAdministrator(name: string, actor: Actor): Promise<Outcome<AdministratorView>> {
    return this.#runChange(actor, 'administrator.revoke', name, (now) => {
      const current = this.#administrators.current(name);
      if (!current) return noAdministrator(name);
      this.#administrators.revoke(name, now);
      return accept(administratorView({ ...current, revokedAt: now }));
    });
  }

  /** Records an action here: one about a tenant too if that may be deleted, because a deleted tenant has no trail of its own. */
  async recordAudit(actor: Actor, action: string, target: string, outcome: string): Promise<void> {
    const now = Date.now();
    this.#audit.record({ ...actor, action, target, outcome }, now);
    await this.#armAlarm(now);
  }

  /** Returns audit entries, newest first, starting before entry `before`. */
  listAudit(limit: number, before?: number): AuditEntry[] {
    return this.#audit.list(limit, before);
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#audit.trim(now);
    this.#administrators.trim(now);
    await this.#armAlarm(now);
  }

  /** Runs a change of the administrators, and records it in the trail also if it is rejected. */
  async #runChange(
    actor: Actor,
    action: string,
    target: string,
    run: (now: number) => ChangeResult<AdministratorView>,
  ): Promise<Outcome<AdministratorView>> {
    const now = Date.now();
    const result = this.ctx.storage.transactionSync(() => run(now));
    await this.recordAudit(actor, action, target, result.ok ? 'ok' : result.reason);
    return result.ok ? { ...result, unreachedSites: [] } : result;
  }

  #addAdministrator(key: PresentedKey, role: AdminRole, now: number): ChangeResult<AdministratorView> {
    if (this.#administrators.isFull)
      return reject(
        409,
        `There can be at most ${MAX_ADMINISTRATORS} keys of administrators, including those revoked in the last 90 days.`,
      );
    this.#administrators.add(key, role, now);
    const added = this.#administrators.current(key.name);
    return added ? accept(administratorView(added)) : noAdministrator(key.name);
  }

  async #armAlarm(now: number): Promise<void> {
    const due = Math.min(this.#audit.due, this.#administrators.due);
    if (due === Number.POSITIVE_INFINITY) return;
    const alarm = new Alarm(this.ctx.storage);
    await alarm.load();
    alarm.arm(due, now);
  }
}
