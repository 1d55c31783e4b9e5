/** What holds for the whole tenant: one row, which a deleted tenant leaves behind. @module */
import { Limits, type Rules } from '../../shared/policy.ts';

/** What an administrator has set; where a limit is not, its default holds. */
export interface Settings {
  readonly id: string;
  /** Unix milliseconds. */
  readonly created: number;
  /** Rises with each change of what holds at the sites, also over a deletion. */
  readonly version: number;
  readonly limits: Limits;
  readonly rules: Rules;
  readonly origins: readonly string[];
  readonly kept_seconds: number;
}

/** A change. What is absent stays. */
export interface Changes {
  /** Null: back to the default. */
  readonly limits?: Readonly<Record<string, number | null | undefined>> | undefined;
  readonly rules?: RulesChange | undefined;
  readonly origins?: readonly string[] | undefined;
  readonly kept_seconds?: number | undefined;
}

/** Each list that is given replaces the one before. */
export interface RulesChange {
  readonly allow?: string[] | undefined;
  readonly deny?: string[] | undefined;
}

/** The rules after a change. */
export function changed(rules: Rules, { allow = rules.allow, deny = rules.deny }: RulesChange): Rules {
  return { allow, deny };
}

type Row = {
  id: string;
  created: number;
  deleted: number | null;
  version: number;
  limits: string;
  rules: string;
  origins: string;
  kept_seconds: number;
};

export class SettingsRow {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Undefined where there is no tenant, or it was deleted. */
  get(): Settings | undefined {
    const row = this.#row();
    if (!row || row.deleted !== null) return undefined;
    const { id, created, version, kept_seconds } = row;
    return {
      id,
      created,
      version,
      kept_seconds,
      limits: Limits.parse(JSON.parse(row.limits)),
      rules: JSON.parse(row.rules) as Rules,
      origins: JSON.parse(row.origins) as string[],
    };
  }

  /** The tenant's name, also of one that was deleted; undefined where none was ever made. */
  get id(): string | undefined {
    return this.#row()?.id;
  }

  /** Makes a tenant of defaults. */
  create(id: string, now: number): void {
    const version = (this.#row()?.version ?? 0) + 1;
    this.#sql.exec(
      'INSERT OR REPLACE INTO tenant (only, id, created, version, limits) VALUES (1, ?, ?, ?, ?)',
      id,
      now,
      version,
      '{}',
    );
  }

  /** Changes it, and tells by a higher version that something has changed. */
  change({ limits = {}, rules = {}, origins, kept_seconds }: Changes): void {
    const row = this.#row();
    if (!row) return;
    const wanted = Object.entries({ ...(JSON.parse(row.limits) as object), ...given(limits) });
    this.#sql.exec(
      'UPDATE tenant SET version = version + 1, limits = ?, rules = ?, origins = ?, kept_seconds = ?',
      JSON.stringify(Object.fromEntries(wanted.filter(([, value]) => value !== null))),
      JSON.stringify(changed(JSON.parse(row.rules) as Rules, rules)),
      JSON.stringify(origins ?? JSON.parse(row.origins)),
      kept_seconds ?? row.kept_seconds,
    );
  }

  /** Leaves a tombstone: an id, two times and the version. */
  delete(now: number): void {
    this.#sql.exec(
      `UPDATE tenant SET deleted = ?, version = version + 1, limits = '{}', rules = '{"allow":[],"deny":[]}',
       origins = '[]', kept_seconds = 3600`,
      now,
    );
  }

  #row(): Row | undefined {
    return this.#sql.exec<Row>('SELECT * FROM tenant').toArray()[0];
  }
}

/** Without what is undefined, which would hide what was there. */
function given(limits: Readonly<Record<string, number | null | undefined>>): object {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
