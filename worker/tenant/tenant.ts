/**
 * One tenant: its sites, its keys, its limits and rules, and the trail of who changed them. This is the desk: it
 * answers the door and the administrator, and tells the switchboards of its sites what has changed. No call passes
 * through here; a door asks at most every 30 s for each key.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import type { Scope } from '../../shared/policy.ts';
import { Alarm } from '../alarm.ts';
import type { Role } from '../door/api-keys.ts';
import type { Env } from '../env.ts';
import type { Admission, Petition } from './admission.ts';
import { Audit, type By, type Deed, type Entry } from './audit.ts';
import { type Errand, Errands } from './errands.ts';
import { holds, type Key, Keys, MOST_KEYS } from './keys.ts';
import { Messenger } from './messenger.ts';
import { migrate } from './migrate.ts';
import { type Made, made, type Outcome, refused } from './outcome.ts';
import { policyOf } from './policy.ts';
import { TENANT_STEPS } from './schema.ts';
import { type Changes, type Settings, SettingsRow } from './settings.ts';
import { MOST_SITES, type Site, type SiteChanges, Sites } from './sites.ts';
import {
  type KeyView,
  type SiteView,
  type TenantView,
  viewOfKey,
  viewOfSite,
  viewOfTenant,
} from './views.ts';

/** A key as it is made: its secret stays outside, only the hash comes here. */
export interface NewKey {
  readonly id: string;
  readonly hash: string;
  readonly role: Role;
  readonly site: string | null;
  readonly scopes: readonly Scope[];
}

const GONE = refused(404, 'there is no such tenant');

export class Tenant extends DurableObject<Env> {
  readonly #settings: SettingsRow;
  readonly #sites: Sites;
  readonly #keys: Keys;
  readonly #audit: Audit;
  readonly #errands: Errands;
  readonly #messenger: Messenger;
  readonly #alarm: Alarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    migrate(ctx.storage, TENANT_STEPS);
    this.#settings = new SettingsRow(sql);
    this.#sites = new Sites(sql);
    this.#keys = new Keys(sql);
    this.#audit = new Audit(sql);
    this.#errands = new Errands(sql);
    this.#messenger = new Messenger(this.#errands, (errand) => this.#tell(errand));
    this.#alarm = new Alarm(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#alarm.find());
  }

  /** May this key come in? Notes that it was used, to the minute. */
  admit({ key: id, secretHash, site: asked }: Petition): Admission {
    const now = Date.now();
    const settings = this.#settings.get();
    const key = this.#keys.get(id);
    if (!settings || !key || !holds(key, now)) return { ok: false };
    if (secretHash !== undefined && !sameHash(secretHash, key.hash)) return { ok: false };
    if (key.site !== null && asked !== undefined && asked !== key.site) return { ok: false };
    const name = asked ?? key.site;
    const site = name === null ? undefined : this.#sites.get(name);
    if (name !== null && !site) return { ok: false };
    this.#keys.used(key, now);
    return {
      ok: true,
      role: key.role,
      scopes: key.scopes,
      site: key.site,
      policy: policyOf(settings, site?.rules, this.#sites.count),
      origins: settings.origins,
      ...(site?.location ? { locationHint: site.location } : {}),
    };
  }

  /** Notes what was done elsewhere in this tenant's name, such as a token that was minted. */
  note(deed: Deed): void {
    if (!this.#settings.get()) return;
    this.#audit.note(deed, Date.now());
    // While the trail holds anything an alarm is set, to the day when it is to be dropped at the latest.
    if (this.#alarm.at === Number.POSITIVE_INFINITY) this.#arm();
  }

  /** Makes the tenant. One that was deleted may be made anew once nothing of it is left. */
  create(id: string, changes: Changes, by: By): Promise<Outcome<TenantView>> {
    return this.#act(by, 'tenant.create', id, (now) => {
      if (this.#settings.get()) return refused(409, `the tenant ${id} exists already; choose another name`);
      if (this.#errands.erasing().length > 0) return stillErasing(`the tenant ${id}`);
      this.#settings.create(id, now);
      this.#settings.change(changes);
      return this.#view();
    });
  }

  /** Undefined where there is none. */
  show(): TenantView | undefined {
    const settings = this.#settings.get();
    return settings && viewOfTenant(settings);
  }

  /** Changes limits, rules, origins or retention. The sites follow at once. */
  change(changes: Changes, by: By): Promise<Outcome<TenantView>> {
    return this.#act(by, 'tenant.change', Object.keys(changes).join(' '), (now) => {
      this.#settings.change(changes);
      this.#governAll(now);
      return this.#view();
    });
  }

  /** Deletes it with everything it holds; what its sites hold goes as soon as they can be reached. */
  delete(by: By): Promise<Outcome<null>> {
    return this.#act(by, 'tenant.delete', '', (now) => {
      for (const site of this.#sites.list()) this.#errands.add('erase', site, now);
      this.#settings.delete(now);
      this.#sites.clear();
      this.#keys.clear();
      this.#audit.clear();
      return made(null);
    });
  }

  /** The sites by name. */
  sites(): SiteView[] {
    return this.#sites.list().map(viewOfSite);
  }

  createSite(id: string, changes: SiteChanges, by: By): Promise<Outcome<SiteView>> {
    return this.#act(by, 'site.create', id, (now) => {
      if (this.#sites.get(id)) return refused(409, `the site ${id} exists already; choose another name`);
      if (this.#errands.erasing().includes(id)) return stillErasing(`the site ${id}`);
      if (this.#sites.count >= MOST_SITES)
        return refused(409, `a tenant has at most ${MOST_SITES} sites; make another tenant`);
      // The others' shares become smaller. The new one gets its own with whoever connects first, and is made then.
      const others = this.#sites.list();
      this.#sites.add(id, now);
      this.#changeSite(id, changes);
      this.#settings.change({});
      for (const site of others) this.#errands.add('govern', site, now);
      return this.#viewSite(id);
    });
  }

  changeSite(id: string, changes: SiteChanges, by: By): Promise<Outcome<SiteView>> {
    return this.#act(by, 'site.change', id, (now) => {
      const site = this.#changeSite(id, changes);
      if (!site) return noSite(id);
      this.#settings.change({});
      this.#errands.add('govern', site, now);
      return this.#viewSite(id);
    });
  }

  /** Deletes a site with everything it holds, and ends the keys that are for it alone. */
  deleteSite(id: string, by: By): Promise<Outcome<null>> {
    return this.#act(by, 'site.delete', id, (now) => {
      const site = this.#sites.get(id);
      if (!site) return noSite(id);
      this.#keys.revokeOf(id, now);
      this.#sites.delete(id);
      this.#settings.change({});
      this.#errands.add('erase', site, now);
      this.#governAll(now);
      return made(null);
    });
  }

  /** The keys, the oldest first; revoked ones are listed for 90 days. */
  keys(): KeyView[] {
    return this.#keys.list().map(viewOfKey);
  }

  createKey(key: NewKey, by: By): Promise<Outcome<KeyView>> {
    return this.#act(by, 'key.create', key.id, (now) => this.#addKey(key, now));
  }

  /** Ends a key now: its sockets are closed, and so are those of tokens that it has minted. */
  revokeKey(id: string, by: By): Promise<Outcome<KeyView>> {
    return this.#act(by, 'key.revoke', id, (now) => {
      if (!this.#keys.get(id)) return noKey(id);
      this.#keys.revoke(id, now);
      return this.#viewKey(id);
    });
  }

  /**
   * Gives a key a successor that may do the same.
   * @param grace seconds that the old one still holds
   */
  rotateKey(
    id: string,
    fresh: Pick<NewKey, 'id' | 'hash'>,
    grace: number,
    by: By,
  ): Promise<Outcome<KeyView>> {
    return this.#act(by, 'key.rotate', `${id} to ${fresh.id}`, (now) => {
      const old = this.#keys.get(id);
      if (!old) return noKey(id);
      if (old.revokedAt !== null)
        return refused(409, `the key ${id} is revoked or has a successor already; create another key`);
      const { role, site, scopes } = old;
      const added = this.#addKey({ ...fresh, role, site, scopes }, now);
      if (added.ok) this.#keys.revoke(id, now + grace * 1_000);
      return added;
    });
  }

  /** The trail, newest first, from before entry `before` on. */
  trail(limit: number, before?: number): Entry[] {
    return this.#audit.list(limit, before);
  }

  override async alarm(): Promise<void> {
    this.#alarm.came();
    try {
      const now = Date.now();
      this.#audit.trim(now);
      this.#keys.trim(now);
      await this.#runErrands();
    } catch (error) {
      console.error('alarm of a tenant failed', error);
      await this.#alarm.retry(Date.now());
    }
  }

  /** A change by an administrator: made whole or not at all, noted either way, and carried to the sites. */
  async #act<T>(by: By, action: string, target: string, run: (now: number) => Made<T>): Promise<Outcome<T>> {
    const now = Date.now();
    if (action !== 'tenant.create' && !this.#settings.get()) return GONE;
    const outcome = this.ctx.storage.transactionSync(() => run(now));
    if (this.#settings.get()) {
      this.#audit.note({ ...by, action, target, outcome: outcome.ok ? 'ok' : outcome.reason }, now);
    }
    await this.#runErrands();
    return outcome.ok ? { ...outcome, untold: this.#errands.unreached(Date.now()) } : outcome;
  }

  #addKey({ id, hash, role, site, scopes }: NewKey, now: number): Made<KeyView> {
    if (site !== null && !this.#sites.get(site)) return noSite(site);
    if (this.#keys.count >= MOST_KEYS)
      return refused(
        409,
        `a tenant has at most ${MOST_KEYS} keys, those revoked in the last 90 days included`,
      );
    this.#keys.add({ id, role, site, scopes, hash }, now);
    return this.#viewKey(id);
  }

  #changeSite(id: string, changes: SiteChanges): Site | undefined {
    const site = this.#sites.get(id);
    if (site) this.#sites.change(site, changes);
    return site;
  }

  #governAll(now: number): void {
    for (const site of this.#sites.list()) this.#errands.add('govern', site, now);
  }

  #view(): Made<TenantView> {
    const view = this.show();
    return view ? made(view) : GONE;
  }

  #viewSite(id: string): Made<SiteView> {
    const site = this.#sites.get(id);
    return site ? made(viewOfSite(site)) : noSite(id);
  }

  #viewKey(id: string): Made<KeyView> {
    const key = this.#keys.get(id);
    return key ? made(viewOfKey(key)) : noKey(id);
  }

  /** Does what is due and arms the alarm for the rest. Never throws because of a switchboard. */
  async #runErrands(): Promise<void> {
    const now = Date.now();
    for (const key of this.#keys.takeUntold(now)) this.#end(key, now);
    const tried = this.#messenger.run(now);
    // Before they are awaited: if we die meanwhile, the alarm goes on.
    this.#arm();
    await tried;
    this.#arm();
  }

  /** Has its sockets closed wherever it may have some. */
  #end({ id, site: only }: Key, now: number): void {
    const sites = this.#sites.list().filter((site) => only === null || only === site.id);
    for (const site of sites) this.#errands.add('revoke', site, now, id);
  }

  async #tell({ kind, site: name, location, key }: Errand): Promise<void> {
    const { SWITCHBOARD, WEBHOOKS } = this.env;
    const near = location ? { locationHint: location } : {};
    const place = `${this.#settings.id}/${name}`;
    const switchboard = SWITCHBOARD.get(SWITCHBOARD.idFromName(place), near);
    if (kind === 'erase') {
      await WEBHOOKS.get(WEBHOOKS.idFromName(place)).erase();
      return switchboard.erase();
    }
    if (kind === 'revoke') return switchboard.revoke(key);
    const settings: Settings | undefined = this.#settings.get();
    const site = this.#sites.get(name);
    if (settings && site) await switchboard.govern(policyOf(settings, site.rules, this.#sites.count));
  }

  /** One alarm for errands, for keys that end later, and for what is kept long enough; none where nothing is left. */
  #arm(): void {
    const due = Math.min(this.#errands.due, this.#keys.due, this.#audit.due);
    if (due < Number.POSITIVE_INFINITY) this.#alarm.arm(due);
    else if (this.#alarm.at < due) void this.#alarm.drop();
  }
}

function stillErasing(what: string) {
  return refused(409, `${what} was deleted and not all of it is gone yet; try again in a minute`);
}

function noSite(id: string) {
  return refused(404, `there is no site ${id}; create it first`);
}

function noKey(id: string) {
  return refused(404, `there is no key ${id}; list the keys to see their ids`);
}

/** In constant time. Both are hashes in hex, so their lengths tell nothing. */
function sameHash(one: string, other: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(one), encoder.encode(other)];
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b);
}
