/** Caches the access decisions of tenants for a short time. @module */
import { waitUntil } from 'cloudflare:workers';
import { type AccessDecision, type AccessRequest, GRANT_TTL_MS } from '../tenant/access.ts';

/**
 * How long a denial is cached, in milliseconds. It is shorter than for a grant, so that a new key works soon, while a flood
 * of bad requests is still answered from the cache.
 */
const DENIAL_TTL_MS = 5_000;

/** The maximum number of entries per isolate, of about a kilobyte each. */
const MAX_ENTRIES = 10_000;

interface CacheEntry {
  readonly decision: Promise<AccessDecision>;
  /** In Unix milliseconds. */
  expiresAt: number;
}

export class GrantCache {
  /** Oldest first. */
  readonly #entries = new Map<string, CacheEntry>();
  readonly #maxEntries: number;

  constructor(maxEntries: number = MAX_ENTRIES) {
    this.#maxEntries = maxEntries;
  }

  /**
   * Returns the decision of a tenant, which may be up to {@link GRANT_TTL_MS} old, counted from when it was requested.
   * Concurrent equal requests share one decision. Rejects where the tenant cannot be reached.
   */
  async get(
    tenant: string,
    request: AccessRequest,
    env: Pick<Env, 'TENANT'>,
    now: number,
  ): Promise<AccessDecision> {
    const { key, secretHash = '', site = '' } = request;
    // None of these contains a space.
    const cacheKey = [tenant, key, site, secretHash].join(' ');
    // An entry that expires too late was cached before the clock was set back.
    const cached = this.#entries.get(cacheKey);
    if (cached && now < cached.expiresAt && cached.expiresAt <= now + GRANT_TTL_MS) return cached.decision;

    const tenantObject = env.TENANT.get(env.TENANT.idFromName(tenant));
    const pending: Promise<AccessDecision> = tenantObject.authorize(request);
    const entry: CacheEntry = { decision: pending, expiresAt: now + GRANT_TTL_MS };
    this.#store(cacheKey, entry);
    // Other requests may wait for the decision, so it must survive when the first client disconnects.
    waitUntil(pending.catch(() => {}));
    try {
      const decision = await pending;
      if (!decision.ok) entry.expiresAt = now + DENIAL_TTL_MS;
      return decision;
    } catch (error) {
      if (this.#entries.get(cacheKey) === entry) this.#entries.delete(cacheKey);
      throw error;
    }
  }

  #store(cacheKey: string, entry: CacheEntry): void {
    this.#entries.delete(cacheKey);
    this.#entries.set(cacheKey, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries) return;
      this.#entries.delete(oldest);
    }
  }
}
