/**
 * The part of a site that lets its adapters be dialed, where the site's setting says so. At the end of each turn it asks a Dialer for
 * links if they are needed. The Dialer dials, repeats what has failed, and asks before it closes idle links.
 * @module
 */
import { type DialOrder, type DialTarget, dialUrls } from '../../../shared/policy/link-setting.ts';
import { TokenBucket } from '../../../shared/policy/token-bucket.ts';
import type { Problem } from '../../../shared/protocol/http/problem.ts';
import type { Link } from '../link/link.ts';
import type { LinkHealth } from '../link/link-health.ts';
import { DialStateStore } from './dial-state.ts';
import { LinkWaiters } from './link-waiters.ts';
import { type Need, type NeedFacts, needOf } from './need.ts';

/** A request to the Dialer that had no effect for this time, in milliseconds, is repeated: the Dialer may have been ended. */
const REPEAT_AFTER_MS = 10_000;

/** While somebody waits, it is repeated this often at most, in milliseconds: as often as the Dialer dials then. */
const URGENT_INTERVAL_MS = 1_000;

/** A knock is a need for this time, in milliseconds. The adapter knocks again if it is not dialed. */
const KNOCK_MS = 5_000;

/** Knocks a second, and twice as many in a burst. An adapter knocks once a second at most. */
const KNOCKS_PER_SECOND = 4;

/** Dialers of a location. There are more than enough: each serves up to 200 sites. */
const MAX_SHARDS = 1_000;

/** How a Dialer is reached. */
export interface DialerClient {
  dial(order: DialOrder, isUrgent: boolean): Promise<'accepted' | 'full'>;
  hangUp(siteName: string): Promise<void>;
}

export interface DialingOptions {
  readonly sql: SqlStorage;
  readonly link: Link;
  /** Returns where the adapter is dialed; undefined if it connects to the edge. */
  readonly target: () => DialTarget | undefined;
  readonly facts: () => Omit<NeedFacts, 'isAwaited' | 'hasKnocked' | 'keep'>;
  /** @param name `<location or any>/<number>` */
  readonly dialer: (name: string, target: DialTarget) => DialerClient;
}

export class Dialing {
  readonly #options: DialingOptions;
  readonly #state: DialStateStore;
  readonly #waiters = new LinkWaiters();
  readonly #knocks = new TokenBucket();
  #isStopped = false;
  /** The knock that the adapter is not dialed for yet. Its socket is a link for a moment. */
  #knock: { readonly at: number; isLinked: boolean; isEnded: boolean } | undefined;
  /** When a Dialer was asked last, for a link that is not open yet. */
  #requestedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DialingOptions) {
    this.#options = options;
    this.#state = new DialStateStore(options.sql);
  }

  /** Where the adapter is dialed; undefined if it connects to the edge. */
  get target(): DialTarget | undefined {
    return this.#options.target();
  }

  /** Whether the link is down because nobody needs it: that is no failure, so nobody is told. */
  get isReleased(): boolean {
    return this.target !== undefined && this.#state.get().isReleased;
  }

  /** Whether adapters that are not connected are being dialed, and none of them has failed: that is no failure either. */
  get awaitsAdapters(): boolean {
    const { target } = this;
    return target !== undefined && this.#state.get().failure === null && !this.#isComplete(target);
  }

  /** Call it at the end of each turn: asks for a link if one is needed, and lets messages go on when it is there. */
  check(now: number): void {
    const { target } = this;
    if (!target) this.#waiters.release();
    else if (this.#options.link.isConnected) this.#onLinked(target, now);
    else this.#onUnlinked(target, now);
  }

  #onUnlinked(target: DialTarget, now: number): void {
    if (this.#knock?.isLinked) this.#knock.isEnded = true;
    this.#requestIfNeeded(target, this.#need(now), now);
  }

  #onLinked(target: DialTarget, now: number): void {
    if (this.#knock?.isEnded) this.#knock = undefined;
    if (this.#knock) this.#knock.isLinked = true;
    const isComplete = this.#isComplete(target);
    // The end of a knock is no outage: the adapter is dialed then.
    this.#state.set({ ...(isComplete ? { failure: null } : {}), isReleased: this.#knock !== undefined });
    if (isComplete) this.#waiters.release();
    else this.#waiters.releaseLinked();
    if (isComplete) this.#requestedAt = Number.NEGATIVE_INFINITY;
    else if (!this.#knock) this.#requestIfNeeded(target, this.#needOfOthers(now), now);
  }

  /** How much the adapters that are not connected are needed. Nobody waits for them where one adapter serves the site. */
  #needOfOthers(now: number): Need {
    const need = this.#need(now);
    return need === 'now' && !this.#options.link.site.isShared ? 'soon' : need;
  }

  #requestIfNeeded(target: DialTarget, need: Need, now: number): void {
    if (need === 'none' || this.#isStopped) return;
    const interval = need === 'now' ? URGENT_INTERVAL_MS : REPEAT_AFTER_MS;
    const elapsed = now - this.#requestedAt;
    if (elapsed >= 0 && elapsed < interval) return;
    this.#requestedAt = now;
    void this.#request(target, need === 'now');
  }

  /** Whether as many adapters are connected as are dialed. */
  #isComplete(target: DialTarget): boolean {
    const { link } = this.#options;
    // The usual case, at the end of each turn.
    if (!target.more_urls?.length) return link.isConnected;
    return link.site.set.all.length >= dialUrls(target).length;
  }

  /**
   * Resolves when a message that needs OpenSIPS may run: the link is there, or has not come in time. Undefined: at once.
   * @param areCallsServed returns whether the adapters of the calls that it names serve the site
   */
  untilLinked(areCallsServed: () => boolean, now: number): Promise<void> | undefined {
    const isLinked = () => this.#options.link.opensips(Date.now()) !== undefined && areCallsServed();
    if (!this.target || isLinked()) return undefined;
    const linked = this.#waiters.wait(isLinked);
    this.check(now);
    return linked;
  }

  /**
   * An attempt has failed, or a link was lost. Returns where to dial again; null if nobody needs the link, or another Dialer opens it.
   * @param shard the number of the Dialer that says so
   * @param isLast no other adapter of the site is linked or being dialed
   */
  onFailed(failure: string, shard: number, isLast: boolean, now: number): DialOrder | null {
    const { target } = this;
    if (!target || this.#isComplete(target) || shard !== this.#state.get().shard) return null;
    this.#state.set({ failure, ...(isLast ? { isReleased: false } : {}) });
    return this.#need(now) !== 'none' ? { ...target, shard } : null;
  }

  /** Returns whether an idle link may be closed. It counts as closed then. */
  release(now: number): boolean {
    if (!this.target || this.#need(now) !== 'none') return false;
    this.#state.set({ isReleased: true });
    return true;
  }

  /** The site has become busy, and the Dialer with this number has no room for it: another one dials. */
  async move(from: number): Promise<void> {
    if (from !== this.#state.get().shard) return;
    this.#state.set({ shard: from + 1 });
    if (this.target) await this.#request(this.target, true);
  }

  /** The policy has changed. What was dialed before is given up first. */
  onPolicyChanged(before: DialTarget | undefined, now: number): void {
    if (!before || JSON.stringify(before) === JSON.stringify(this.target)) {
      this.check(now);
      return;
    }
    const hungUp = this.#hangUp(before);
    this.#state.set({ shard: 0, failure: null, isReleased: false });
    this.#requestedAt = now;
    void hungUp.then(() => {
      this.#requestedAt = Number.NEGATIVE_INFINITY;
      this.check(Date.now());
    });
  }

  /** Counts a knock. Returns why it is not accepted. */
  onKnock(now: number): Problem | undefined {
    if (!this.target) {
      const detail =
        'The edge does not dial this site. Connect to /adapter, or ask an administrator to set its link to dial.';
      return { status: 409, detail };
    }
    const isConnected = this.#options.link.opensips(now) !== undefined;
    if (isConnected && this.#isComplete(this.target))
      return {
        status: 409,
        detail: 'An adapter of this site is connected. Send its messages on its socket.',
      };
    const waitMs = this.#knocks.take(KNOCKS_PER_SECOND, now);
    if (waitMs > 0) {
      const detail = 'The adapter knocks too often. Wait a second between knocks.';
      return { status: 429, detail, retry_after: Math.ceil(waitMs / 1_000) };
    }
    // Another adapter serves the site, so this one needs no link.
    if (!isConnected) this.#knock = { at: now, isLinked: false, isEnded: false };
    return undefined;
  }

  /** Returns the state of the link, and how it is dialed. */
  health(now: number): LinkHealth {
    const link = this.#options.link.health(now);
    const { target } = this;
    if (!target) return link;
    const { failure } = this.#state.get();
    const state = link.connected ? 'open' : this.#need(now) === 'none' ? 'idle' : 'dialing';
    return { ...link, dial: { host: hostsOf(target), state, ...(failure === null ? {} : { failure }) } };
  }

  /** Why a command has found no adapter; undefined if the adapter connects to the edge. */
  get unreachableReason(): string | undefined {
    const { target } = this;
    if (!target) return undefined;
    const failure = this.#state.get().failure ?? 'The adapter has not said hello in time.';
    return `The edge has dialed the adapter at ${hostsOf(target)}, and there is no link. ${failure}`;
  }

  /** The site is deleted. Messages that wait must not run any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiters.release();
    if (this.target) void this.#hangUp(this.target);
  }

  #need(now: number): Need {
    const sinceKnock = this.#knock ? now - this.#knock.at : KNOCK_MS;
    return needOf({
      ...this.#options.facts(),
      isAwaited: this.#waiters.any,
      hasKnocked: sinceKnock >= 0 && sinceKnock < KNOCK_MS,
      keep: this.target?.keep === true,
    });
  }

  /** Asks the Dialer that has had room before, and then those after it. Never rejects. */
  async #request(target: DialTarget, isUrgent: boolean): Promise<void> {
    try {
      for (let { shard } = this.#state.get(); shard < MAX_SHARDS; shard++) {
        // Before it is asked, because it may tell of a failure before its answer arrives.
        this.#state.set({ shard });
        const dialer = this.#options.dialer(nameOf(target, shard), target);
        if ((await dialer.dial({ ...target, shard }, isUrgent)) === 'accepted') return;
      }
      this.#state.set({ shard: 0, failure: 'The edge has no room for another link. It is tried again.' });
    } catch (error) {
      console.warn(`A Dialer of ${target.siteName} could not be reached. It is asked again.`, error);
      this.#state.set({ failure: 'The edge’s own Dialer could not be reached. It is tried again.' });
      setTimeout(() => this.check(Date.now()), REPEAT_AFTER_MS);
    }
  }

  /** Never rejects. */
  async #hangUp(target: DialTarget): Promise<void> {
    try {
      await this.#options.dialer(nameOf(target, this.#state.get().shard), target).hangUp(target.siteName);
    } catch (error) {
      console.warn(`The Dialer of ${target.siteName} does not know that it is not dialed any more.`, error);
    }
  }
}

function nameOf({ location = 'any' }: { readonly location?: string | undefined }, shard: number): string {
  return `${location}/${shard}`;
}

/** Returns host and port of each URL. */
function hostsOf(target: DialTarget): string {
  return dialUrls(target)
    .map((url) => new URL(url).host)
    .join(', ');
}
