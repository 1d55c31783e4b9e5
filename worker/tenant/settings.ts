/** The settings of a tenant: one row, which remains as a tombstone after the tenant is deleted. @module */
import { ManagementBounds } from '../../shared/policy/management-bounds.ts';
import { Limits, type Rules } from '../../shared/policy/policy.ts';
import type { OwnSettings } from '../../shared/protocol/admin/manage.ts';

/** What an administrator has set, with defaults for the limits that are not set. */
export interface Settings {
  readonly id: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Rises with each change that concerns the sites, and is not reset by a deletion. */
  readonly version: number;
  readonly limits: Limits;
  readonly rules: Rules;
  readonly origins: readonly string[];
  readonly kept_seconds: number;
  /** What the tenant may manage itself. */
  readonly bounds: ManagementBounds;
  /** What the tenant has set itself. */
  readonly own: OwnSettings;
}

/** Whether a tenant exists, as the directory lists it. Times are Unix milliseconds. */
export interface TenantState {
  readonly id: string;
  readonly createdAt: number;
  /** Null for a tenant that exists. */
  readonly deletedAt: number | null;
  /** See {@link Settings}. The state with the highest version is the newest. */
  readonly version: number;
}

/** A change. Absent fields stay as they are. */
export interface SettingsChange {
  /** Null resets a limit to its default. */
  readonly limits?: Readonly<Record<string, number | null | undefined>> | undefined;
  readonly rules?: RulesChange | undefined;
  readonly origins?: readonly string[] | undefined;
  readonly kept_seconds?: number | undefined;
  /** Null resets a bound to its default. */
  readonly bounds?: Readonly<Record<string, unknown>> | undefined;
}

/** A change by the tenant itself. */
export interface OwnChange {
  readonly rules?: RulesChange | undefined;
  readonly origins?: readonly string[] | undefined;
}

/** Each list that is given replaces the previous one. */
export interface RulesChange {
  readonly allow?: string[] | undefined;
  readonly deny?: string[] | undefined;
}

/** Returns the rules after a change. */
export function applyRulesChange(
  rules: Rules,
  { allow = rules.allow, deny = rules.deny }: RulesChange,
): Rules {
  return { allow, deny };
}

type SettingsRow = {
  tenant_id: string;
  created_at: number;
  deleted_at: number | null;
  version: number;
  limits: string;
  rules: string;
  origins: string;
  kept_seconds: number;
  bounds: string;
  own: string;
};

export class SettingsStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Returns the settings, or undefined where the tenant does not exist or was deleted. */
  get(): Settings | undefined {
    const row = this.#row();
    if (!row || row.deleted_at !== null) return undefined;
    return {
      id: row.tenant_id,
      createdAt: row.created_at,
      version: row.version,
      limits: Limits.parse(JSON.parse(row.limits)),
      rules: JSON.parse(row.rules) as Rules,
      origins: JSON.parse(row.origins) as string[],
      kept_seconds: row.kept_seconds,
      bounds: ManagementBounds.parse(JSON.parse(row.bounds)),
      own: JSON.parse(row.own) as OwnSettings,
    };
  }

  /** The id of the tenant, also of a deleted one; undefined where none was ever created. */
  get id(): string | undefined {
    return this.#row()?.tenant_id;
  }

  /** Whether the tenant exists; undefined where none was ever created. */
  get state(): TenantState | undefined {
    const row = this.#row();
    if (!row) return undefined;
    return { id: row.tenant_id, createdAt: row.created_at, deletedAt: row.deleted_at, version: row.version };
  }

  /** Creates a tenant with defaults. */
  create(id: string, now: number): void {
    const version = (this.#row()?.version ?? 0) + 1;
    this.#sql.exec(
      'INSERT OR REPLACE INTO settings (id, tenant_id, created_at, version) VALUES (1, ?, ?, ?)',
      id,
      now,
      version,
    );
  }

  /** Changes what is given, and raises the version. */
  change({ limits = {}, rules = {}, origins, kept_seconds, bounds = {} }: SettingsChange): void {
    const row = this.#row();
    if (!row) return;
    this.#sql.exec(
      'UPDATE settings SET version = version + 1, limits = ?, bounds = ?, rules = ?, origins = ?, kept_seconds = ?',
      changeValues(row.limits, limits),
      changeValues(row.bounds, bounds),
      JSON.stringify(applyRulesChange(JSON.parse(row.rules) as Rules, rules)),
      JSON.stringify(origins ?? JSON.parse(row.origins)),
      kept_seconds ?? row.kept_seconds,
    );
  }

  /** Changes what the tenant sets itself, and raises the version. */
  changeOwn({ rules = {}, origins }: OwnChange): void {
    const row = this.#row();
    if (!row) return;
    const own = JSON.parse(row.own) as OwnSettings;
    const changed = { rules: applyRulesChange(own.rules, rules), origins: origins ?? own.origins };
    this.#sql.exec('UPDATE settings SET version = version + 1, own = ?', JSON.stringify(changed));
  }

  /** Replaces the settings with a tombstone: the id, two times and the version. */
  delete(now: number): void {
    this.#sql.exec(
      `UPDATE settings SET deleted_at = ?, version = version + 1, limits = '{}', rules = '{"allow":[],"deny":[]}',
       origins = '[]', kept_seconds = 3600, bounds = '{}', own = '{"rules":{"allow":[],"deny":[]},"origins":[]}'`,
      now,
    );
  }

  #row(): SettingsRow | undefined {
    return this.#sql.exec<SettingsRow>('SELECT * FROM settings').toArray()[0];
  }
}

/** Returns stored values after a change, as JSON. Undefined values change nothing, and null removes one. */
function changeValues(stored: string, changes: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const changed = { ...(JSON.parse(stored) as object), ...Object.fromEntries(given) };
  return JSON.stringify(Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null)));
}
