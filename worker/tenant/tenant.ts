/**
 * One tenant: its sites, keys, limits and rules, and the audit trail of their changes. It authorizes keys for the Worker,
 * serves administrators, and updates the switchboards of its sites. No call passes through it: the Worker asks at most
 * once per 30 s for each key.
 * @module
 */

import { DurableObject } from 'cloudflare:workers';
import type { KeyRole, Scope } from '../../shared/policy/policy.ts';
import type { ManageView } from '../../shared/protocol/admin/manage.ts';
import type { KeyView, SiteDetails, SiteView, TenantView } from '../../shared/protocol/admin/views.ts';
import { quote } from '../../shared/settings/quote.ts';
import { computeProof } from '../objects/adapter-proof.ts';
import { Alarm } from '../objects/alarm.ts';
import { migrate } from '../objects/migrate.ts';
import { accept, type ChangeResult, type Outcome, reject } from '../objects/outcome.ts';
import type { AccessDecision, AccessRequest, ProofRequest } from './access.ts';
import { type Actor, type AuditEntry, type AuditedAction, AuditTrail } from './audit.ts';
import { equalHashes } from './equal-hashes.ts';
import { isValid, type Key, KeyStore, MAX_KEYS } from './keys.ts';
import {
  effectiveOrigins,
  isManager,
  rejectOwnKey,
  rejectOwnOrigins,
  rejectOwnRevocation,
} from './management.ts';
import { Outbox } from './outbox.ts';
import { policyOf } from './policy.ts';
import { NO_TENANT, NOT_VALID, noKey, noSite, stillErasing } from './rejections.ts';
import { TENANT_SCHEMA } from './schema.ts';
import { type OwnChange, type SettingsChange, SettingsStore } from './settings.ts';
import { SiteUpdater } from './site-updates.ts';
import { MAX_SITES, type Site, type SiteChanges, SiteStore } from './sites.ts';
import { deliverUpdate } from './update-delivery.ts';
import { keyView, manageView, siteView, tenantView } from './views.ts';

/** A key that is to be created. Only the hash of its secret gets here. */
export interface NewKey {
  readonly id: string;
  readonly hash: string;
  readonly role: KeyRole;
  readonly site: string | null;
  readonly scopes: readonly Scope[];
}

export class Tenant extends DurableObject<Env> {
  readonly #settings: SettingsStore;
  readonly #sites: SiteStore;
  readonly #keys: KeyStore;
  readonly #audit: AuditTrail;
  readonly #outbox: Outbox;
  readonly #updater: SiteUpdater;
  readonly #alarm: Alarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    migrate(ctx.storage, TENANT_SCHEMA);
    this.#settings = new SettingsStore(sql);
    this.#sites = new SiteStore(sql);
    this.#keys = new KeyStore(sql);
    this.#audit = new AuditTrail(sql);
    this.#outbox = new Outbox(sql);
    this.#updater = new SiteUpdater(this.#outbox, (update) =>
      deliverUpdate(update, { settings: this.#settings, sites: this.#sites }, env),
    );
    this.#alarm = new Alarm(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#alarm.load());
  }

  /** Decides whether a key or a token that it issued has access, and records the use of the key to the minute. */
  authorize({ key: id, secretHash, site: requested }: AccessRequest): AccessDecision {
    const now = Date.now();
    const settings = this.#settings.get();
    const key = this.#keys.get(id);
    if (!settings || !key || !isValid(key, now)) return { ok: false };
    if (secretHash !== undefined && !equalHashes(secretHash, key.hash)) return { ok: false };
    if (key.site !== null && requested !== undefined && requested !== key.site) return { ok: false };
    const siteId = requested ?? key.site;
    const site = siteId === null ? undefined : this.#sites.get(siteId);
    if (siteId !== null && !site) return { ok: false };
    this.#keys.recordUse(key, now);
    return {
      ok: true,
      role: key.role,
      scopes: key.scopes,
      site: key.site,
      policy: policyOf(settings, site, this.#sites.count),
      origins: effectiveOrigins(settings),
      ...(site?.location ? { locationHint: site.location } : {}),
    };
  }

  /** Decides whether an adapter that was dialed has a valid key of this very site. */
  async verifyAdapterProof({ keyId, mac, site, ...challenge }: ProofRequest): Promise<AccessDecision> {
    const key = this.#keys.get(keyId);
    if (key?.role !== 'adapter' || key.site !== site) return { ok: false };
    const isProved = equalHashes(mac, await computeProof(key.hash, challenge));
    return isProved ? this.authorize({ key: keyId, site }) : { ok: false };
  }

  /** Records an action that the Worker performed for this tenant, such as a change of a webhook. */
  recordAudit(action: AuditedAction): void {
    if (!this.#settings.get()) return;
    this.#audit.record(action, Date.now());
    // While the trail has entries, the alarm must be set to the time when they are dropped.
    if (this.#alarm.at(Date.now()) === Number.POSITIVE_INFINITY) this.#armAlarm();
  }

  /**
   * Records an action that the Worker performs for a key, such as issuing a token. Returns false, and records nothing, if the
   * key has no access now: the Worker may have used a grant that was cached before the key was revoked or the site deleted.
   */
  recordKeyAction(request: AccessRequest, action: AuditedAction): boolean {
    if (!this.authorize(request).ok) return false;
    this.recordAudit(action);
    return true;
  }

  /** Creates the tenant. A deleted tenant can be created again once all its sites have been erased. */
  create(id: string, changes: SettingsChange, actor: Actor): Promise<Outcome<TenantView>> {
    return this.#runChange(actor, 'tenant.create', id, (now) => {
      // Also where it is rejected: then the other creation may not have been listed yet.
      this.#outbox.addListing(now);
      if (this.#settings.get())
        return reject(409, `id: the tenant ${quote(id)} exists already. Choose another id.`);
      if (this.#outbox.sitesBeingErased().length > 0) return stillErasing(`the tenant ${quote(id)}`);
      this.#settings.create(id, now);
      this.#settings.change(changes);
      return this.#viewTenant();
    });
  }

  /** Returns the tenant, or undefined where it does not exist. */
  show(): TenantView | undefined {
    const settings = this.#settings.get();
    return settings && tenantView(settings);
  }

  /** Changes limits, rules, origins or retention, and updates all sites. */
  update(changes: SettingsChange, actor: Actor): Promise<Outcome<TenantView>> {
    return this.#runChange(actor, 'tenant.change', Object.keys(changes).join(' '), (now) => {
      this.#settings.change(changes);
      this.#updateAllSites(now);
      return this.#viewTenant();
    });
  }

  /** Deletes the tenant with all its data. The data of its sites is erased as soon as they can be reached. */
  delete(actor: Actor): Promise<Outcome<null>> {
    return this.#runChange(actor, 'tenant.delete', '', (now) => {
      this.#outbox.addListing(now);
      for (const site of this.#sites.list()) this.#outbox.add('erase', site, now);
      this.#settings.delete(now);
      this.#sites.clear();
      this.#keys.clear();
      this.#audit.clear();
      return accept(null);
    });
  }

  /** Returns the sites by id. */
  listSites(): SiteView[] {
    return this.#sites.list().map(siteView);
  }

  /** Returns a site and its limits; undefined if there is none. */
  showSite(id: string): (SiteView & Pick<SiteDetails, 'limits'>) | undefined {
    const [settings, site] = [this.#settings.get(), this.#sites.get(id)];
    if (!settings || !site) return undefined;
    return { ...siteView(site), limits: policyOf(settings, site, this.#sites.count).limits };
  }

  createSite(id: string, changes: SiteChanges, actor: Actor): Promise<Outcome<SiteView>> {
    return this.#runChange(actor, 'site.create', id, (now) => {
      if (this.#sites.get(id))
        return reject(409, `id: the site ${quote(id)} exists already. Choose another id.`);
      if (this.#outbox.sitesBeingErased().includes(id)) return stillErasing(`the site ${quote(id)}`);
      if (this.#sites.count >= MAX_SITES)
        return reject(
          409,
          `A tenant can have at most ${MAX_SITES} sites. Delete a site, or create another tenant.`,
        );
      // The shares of the others become smaller. The new site's object is created, with its policy, by the first client.
      const others = this.#sites.list();
      this.#sites.add(id, now);
      this.#applySiteChanges(id, changes);
      this.#settings.change({});
      for (const site of others) this.#outbox.add('policy', site, now);
      return this.#viewSite(id);
    });
  }

  updateSite(id: string, changes: SiteChanges, actor: Actor): Promise<Outcome<SiteView>> {
    return this.#runChange(actor, 'site.change', id, (now) => {
      const site = this.#applySiteChanges(id, changes);
      if (!site) return noSite(id);
      this.#settings.change({});
      this.#outbox.add('policy', site, now);
      return this.#viewSite(id);
    });
  }

  /** Deletes a site with all its data, and revokes the keys that are for this site only. */
  deleteSite(id: string, actor: Actor): Promise<Outcome<null>> {
    return this.#runChange(actor, 'site.delete', id, (now) => {
      const site = this.#sites.get(id);
      if (!site) return noSite(id);
      this.#keys.revokeForSite(id, now);
      this.#sites.delete(id);
      this.#settings.change({});
      this.#outbox.add('erase', site, now);
      this.#updateAllSites(now);
      return accept(null);
    });
  }

  /** Returns the keys, oldest first; revoked ones for 90 days. */
  listKeys(): KeyView[] {
    return this.#keys.list().map(keyView);
  }

  createKey(key: NewKey, actor: Actor): Promise<Outcome<KeyView>> {
    return this.#runChange(
      actor,
      'key.create',
      key.id,
      (now) => this.#rejectManager(actor, key, now) ?? this.#addKey(key, now),
    );
  }

  /** Revokes a key now, and closes its sockets and those of the tokens that it has issued. */
  revokeKey(id: string, actor: Actor): Promise<Outcome<KeyView>> {
    return this.#runChange(actor, 'key.revoke', id, (now) => {
      const key = this.#keys.get(id);
      if (!key) return noKey(id);
      const rejection = actor.manager === undefined ? undefined : rejectOwnRevocation(key);
      if (rejection) return rejection;
      this.#keys.revoke(id, now);
      return this.#viewKey(id);
    });
  }

  /**
   * Creates a key with the same permissions, and revokes the old one.
   * @param grace seconds for which the old key stays valid
   */
  rotateKey(
    id: string,
    successor: Pick<NewKey, 'id' | 'hash'>,
    grace: number,
    actor: Actor,
  ): Promise<Outcome<KeyView>> {
    return this.#runChange(actor, 'key.rotate', `${id} to ${successor.id}`, (now) => {
      const old = this.#keys.get(id);
      if (!old) return noKey(id);
      if (old.revokedAt !== null)
        return reject(409, `The key ${quote(id)} was revoked or rotated already. Create another key.`);
      const rejection = this.#rejectManager(actor, old, now, id);
      if (rejection) return rejection;
      const { role, site, scopes } = old;
      const added = this.#addKey({ ...successor, role, site, scopes }, now);
      if (added.ok) this.#keys.revoke(id, now + grace * 1_000);
      return added;
    });
  }

  /** Returns audit entries, newest first, starting before entry `before`: all, or only those of the tenant's own keys. */
  listAudit(limit: number, before?: number, options?: { readonly byKeys: boolean }): AuditEntry[] {
    return this.#audit.list(limit, before, options);
  }

  /** Changes what the tenant sets itself, and updates all sites. */
  updateOwn(changes: OwnChange, actor: Actor): Promise<Outcome<ManageView>> {
    return this.#runChange(actor, 'tenant.manage', Object.keys(changes).join(' '), (now) => {
      const settings = this.#settings.get();
      const rejection = settings && rejectOwnOrigins(settings, changes.origins);
      if (rejection) return rejection;
      this.#settings.changeOwn(changes);
      this.#updateAllSites(now);
      const view = this.showOwn();
      return view ? accept(view) : NO_TENANT;
    });
  }

  /** Returns what the tenant sets itself, and its bounds; undefined where it does not exist. */
  showOwn(): ManageView | undefined {
    const settings = this.#settings.get();
    return settings && manageView(settings);
  }

  override async alarm(): Promise<void> {
    this.#alarm.onFired();
    try {
      const now = Date.now();
      this.#audit.trim(now);
      this.#keys.trim(now);
      await this.#deliverUpdates();
    } catch (error) {
      console.error('The alarm of a tenant failed; it is set again', error);
      await this.#alarm.retry(Date.now());
    }
  }

  /** Runs a change in one transaction, records it in the trail also if it is rejected, and updates the sites. */
  async #runChange<T>(
    actor: Actor,
    action: string,
    target: string,
    run: (now: number) => ChangeResult<T>,
  ): Promise<Outcome<T>> {
    const now = Date.now();
    if (action !== 'tenant.create' && !this.#settings.get()) return NO_TENANT;
    // The key may have been revoked since the Worker has authenticated it.
    if (actor.manager !== undefined && !isManager(this.#keys.get(actor.manager), now)) return NOT_VALID;
    const outcome = this.ctx.storage.transactionSync(() => run(now));
    if (this.#settings.get()) {
      this.#audit.record({ ...actor, action, target, outcome: outcome.ok ? 'ok' : outcome.reason }, now);
    }
    await this.#deliverUpdates();
    return outcome.ok ? { ...outcome, unreachedSites: this.#outbox.unreachedSites(Date.now()) } : outcome;
  }

  /** Returns why a tenant may not create this key itself; undefined for an administrator. */
  #rejectManager(
    { manager }: Actor,
    key: Pick<NewKey, 'role' | 'scopes'>,
    now: number,
    replaced?: string,
  ): ChangeResult<never> | undefined {
    const settings = this.#settings.get();
    if (manager === undefined || !settings) return undefined;
    const others = this.#keys.list().filter(({ id }) => id !== replaced);
    return rejectOwnKey(settings, key, others, now);
  }

  #addKey({ id, hash, role, site, scopes }: NewKey, now: number): ChangeResult<KeyView> {
    if (site !== null && !this.#sites.get(site)) return noSite(site);
    if (this.#keys.count >= MAX_KEYS)
      return reject(
        409,
        `A tenant can have at most ${MAX_KEYS} keys, including those revoked in the last 90 days. Create another tenant.`,
      );
    this.#keys.add({ id, role, site, scopes, hash }, now);
    return this.#viewKey(id);
  }

  #applySiteChanges(id: string, changes: SiteChanges): Site | undefined {
    const site = this.#sites.get(id);
    if (site) this.#sites.change(site, changes);
    return site;
  }

  #updateAllSites(now: number): void {
    for (const site of this.#sites.list()) this.#outbox.add('policy', site, now);
  }

  #viewTenant(): ChangeResult<TenantView> {
    const view = this.show();
    return view ? accept(view) : NO_TENANT;
  }

  #viewSite(id: string): ChangeResult<SiteView> {
    const site = this.#sites.get(id);
    return site ? accept(siteView(site)) : noSite(id);
  }

  #viewKey(id: string): ChangeResult<KeyView> {
    const key = this.#keys.get(id);
    return key ? accept(keyView(key)) : noKey(id);
  }

  /** Delivers what is due and arms the alarm for the rest. Never throws because of a switchboard. */
  async #deliverUpdates(): Promise<void> {
    const now = Date.now();
    for (const key of this.#keys.takeUnannounced(now)) this.#closeSocketsOf(key, now);
    const delivered = this.#updater.deliverDue(now);
    // Before the deliveries are awaited: if the object dies meanwhile, the alarm continues them.
    this.#armAlarm();
    await delivered;
    this.#armAlarm();
  }

  /** Closes the sockets of a revoked key at each site where it may have some. */
  #closeSocketsOf({ id, site: keySite }: Key, now: number): void {
    const sites = this.#sites.list().filter((site) => keySite === null || keySite === site.id);
    for (const site of sites) this.#outbox.add('revoke', site, now, id);
  }

  /** Arms one alarm for the outbox, for keys that are revoked later, and for trimming; cancels it where nothing is due. */
  #armAlarm(): void {
    const now = Date.now();
    const due = Math.min(this.#outbox.due, this.#keys.due, this.#audit.due);
    if (due < Number.POSITIVE_INFINITY) this.#alarm.arm(due, now);
    else if (this.#alarm.at(now) < due) void this.#alarm.cancel();
  }
}
