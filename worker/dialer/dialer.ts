/**
 * A Dialer opens the links of sites whose adapters listen, and holds the outgoing sockets: those cannot hibernate, while the
 * Switchboards behind them can. Dialers are named `<location or any>/<number>`; a site uses the first one that has room.
 * The Switchboard decides whether a link is needed. This object only dials, and dials again.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import type { DialOrder } from '../../shared/policy/link-setting.ts';
import { closeCode, PING_TIMEOUT_MS } from '../../shared/protocol/link.ts';
import type { AdapterPrincipal } from '../auth/principal.ts';
import { openSocket, switchboardOf } from '../http/switchboard-client.ts';
import { Alarm } from '../objects/alarm.ts';
import { migrate } from '../objects/migrate.ts';
import { isBusy, isFull, isIdle } from './capacity.ts';
import {
  closeUnused,
  type DialResult,
  dialAdapter,
  GOING_AWAY,
  HANDSHAKE_TIMEOUT_MS,
  type ProofToVerify,
} from './connect.ts';
import { redialDelayMs, STABLE_AFTER_MS, URGENT_INTERVAL_MS } from './redial-delay.ts';
import { DIALER_SCHEMA, RedialStore } from './redial-store.ts';
import { type LinkEnd, Splice } from './splice.ts';

/** A wait of up to this time, in milliseconds, is a timer, with one alarm behind it. Setting an alarm costs a row. */
const LONGEST_TIMER_MS = 2_000;

/** How often links are checked for silence and idleness, in milliseconds. */
const CHECK_INTERVAL_MS = 5_000;

/**
 * While links are open, an alarm this often keeps the object from being ended: outgoing sockets do not. workerd ends one 70 to 140 s after
 * its last request (`cleanupLoop` in its server.c++), the platform after 15 minutes.
 */
const KEEP_ALIVE_MS = 30_000;

const NOT_DIALED_ANY_MORE = 'The edge does not dial this adapter any more.';

interface DialedSite {
  target: DialOrder;
  /** Attempts that have failed in a row. */
  failures: number;
  /** When the last attempt began, in Unix milliseconds. */
  attemptedAt: number;
  /** When the next attempt is due; absent while none is planned. */
  due?: number | undefined;
  timer: ReturnType<typeof setTimeout> | null;
  isDialing: boolean;
  link?: Splice | undefined;
  /** The link has had a frame other than ping and pong. */
  hasSpoken: boolean;
  openedAt: number;
  /** The last frame other than ping and pong. */
  activeAt: number;
  /** The Switchboard was asked whether it needs the idle link, or to move the busy one, at that time. */
  askedAt: number;
  /** Why the last attempt failed, as it was logged. */
  failure?: string | undefined;
}

export class Dialer extends DurableObject<Env> {
  readonly #sites = new Map<string, DialedSite>();
  readonly #redials: RedialStore;
  readonly #alarm: Alarm;
  #checkTimer: ReturnType<typeof setInterval> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage, DIALER_SCHEMA);
    this.#redials = new RedialStore(ctx.storage.sql);
    this.#alarm = new Alarm(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#alarm.load());
    const now = Date.now();
    for (const { target, due, failures } of this.#redials.list()) {
      const site = createSite(target, now);
      this.#sites.set(target.siteName, { ...site, failures });
      this.#redialAt(target.siteName, due ?? now, now);
    }
  }

  /**
   * Dials a site, unless it is linked, is being dialed, or waits after a failure. Returns `full` if another Dialer should.
   * @param isUrgent a command waits: it shortens such a wait
   */
  dial(target: DialOrder, isUrgent: boolean): 'accepted' | 'full' {
    const now = Date.now();
    const { siteName } = target;
    const known = this.#sites.get(siteName);
    if (!known) {
      if (isFull([...this.#sites.values()], now)) return 'full';
      this.#sites.set(siteName, createSite(target, now));
      this.#attempt(siteName);
      return 'accepted';
    }
    known.target = target;
    if (known.link || known.isDialing) return 'accepted';
    const earliest = Math.min(known.attemptedAt, now) + URGENT_INTERVAL_MS;
    if (known.due === undefined) this.#attempt(siteName);
    else if (isUrgent && known.due > earliest) this.#redialAt(siteName, Math.max(now, earliest), now);
    return 'accepted';
  }

  /** The site is not dialed any more, or at another place. */
  hangUp(siteName: string): void {
    const site = this.#sites.get(siteName);
    this.#forget(siteName);
    site?.link?.close(1000, NOT_DIALED_ANY_MORE);
  }

  override async alarm(): Promise<void> {
    this.#alarm.onFired();
    const now = Date.now();
    for (const [siteName, { due }] of this.#sites) {
      if (due !== undefined && due <= now) this.#attempt(siteName);
    }
    this.#armAlarm(now);
  }

  /** Returns who has made a proof. The tenant knows the hash of the key's secret. */
  protected async verifyProof({ siteName, ...proof }: ProofToVerify): Promise<AdapterPrincipal | undefined> {
    const [tenant = '', site = ''] = siteName.split('/');
    const { TENANT } = this.env;
    const decision = await TENANT.get(TENANT.idFromName(tenant)).verifyAdapterProof({ ...proof, site });
    return decision.ok ? { role: 'adapter', key: proof.keyId, policy: decision.policy } : undefined;
  }

  /** Begins an attempt. It ends in {@link #open} or {@link #onFailed}. */
  #attempt(siteName: string): void {
    const site = this.#sites.get(siteName);
    if (!site || site.isDialing || site.link) return;
    this.#stopWaiting(site);
    site.isDialing = true;
    site.attemptedAt = Date.now();
    site.activeAt = site.attemptedAt;
    void this.#dialAndOpen(site);
  }

  async #dialAndOpen(site: DialedSite): Promise<void> {
    const { target } = site;
    const result = await dialAdapter(target, this.env, (proof) => this.verifyProof(proof));
    const opened = 'socket' in result ? await this.#openEdgeSocket(target, result) : result;
    site.isDialing = false;
    const isWanted = this.#sites.get(target.siteName) === site && site.target.url === target.url;
    if ('failure' in opened) {
      if (isWanted) await this.#onFailed(site, opened.failure, opened.detail);
      return;
    }
    if (isWanted) return this.#open(site, opened);
    for (const socket of [opened.adapter, opened.edge]) closeUnused(socket, 1000, NOT_DIALED_ANY_MORE);
    if (this.#sites.get(target.siteName) === site) this.#attempt(target.siteName);
  }

  async #openEdgeSocket(
    target: DialOrder,
    { socket: adapter, principal }: Exclude<DialResult, { failure: string }>,
  ): Promise<{ adapter: WebSocket; edge: WebSocket } | { failure: string; detail?: string }> {
    const { siteName, location } = target;
    const hint = location === undefined ? {} : { locationHint: location };
    try {
      const response = await openSocket(this.env, { siteName, principal, ...hint }, principal);
      if (response.webSocket) return { adapter, edge: response.webSocket };
      closeUnused(adapter, GOING_AWAY, 'The site does not accept the link.');
      return {
        failure: `The site does not accept the link (${response.status}).`,
        detail: await response.text(),
      };
    } catch (error) {
      closeUnused(adapter, GOING_AWAY, 'The site cannot be reached.');
      return { failure: 'The site’s object could not be reached. It is tried again.', detail: String(error) };
    }
  }

  #open(
    site: DialedSite,
    { adapter, edge }: { readonly adapter: WebSocket; readonly edge: WebSocket },
  ): void {
    const now = Date.now();
    const { target } = site;
    site.openedAt = now;
    site.hasSpoken = false;
    site.activeAt = now;
    site.askedAt = now;
    if (target.keep) this.#redials.set({ target, due: null, failures: 0 });
    else this.#redials.delete(target.siteName);
    site.link = new Splice({
      adapter,
      edge,
      now: Date.now,
      onFrame: () => this.#onFrame(site),
      onEnd: (end) => void this.#onEnd(site, end),
    });
    this.#checkTimer ??= setInterval(() => this.#checkLinks(), CHECK_INTERVAL_MS);
    this.#armAlarm(now);
  }

  #onFrame(site: DialedSite): void {
    const now = Date.now();
    if (isIdle(site.activeAt, now) && isBusy([...this.#sites.values()], now)) {
      // The Switchboard has it dialed by another Dialer, whose link then replaces this one.
      this.#ask(site, (switchboard) => switchboard.moveLink());
    }
    site.activeAt = now;
    site.hasSpoken = true;
  }

  /** Closes links that are silent, and lets the Switchboard close idle ones: it knows what it needs. */
  #checkLinks(): void {
    const now = Date.now();
    for (const site of this.#sites.values()) {
      onClockSetBack(site, now);
      const { link, target, hasSpoken, openedAt, activeAt, askedAt } = site;
      if (!link) continue;
      const idleMs = target.idle_s * 1_000;
      if (!hasSpoken && now - openedAt >= HANDSHAKE_TIMEOUT_MS)
        link.close(GOING_AWAY, 'No hello arrived in time.');
      else if (now - link.heardAt > PING_TIMEOUT_MS) link.close(GOING_AWAY, 'No ping arrived in time.');
      else if (!target.keep && now - Math.max(activeAt, askedAt) >= idleMs) {
        site.askedAt = now;
        this.#ask(site, (switchboard) => switchboard.releaseLink());
      }
    }
    this.#stopCheckingIfIdle();
  }

  async #onEnd(site: DialedSite, { code, reason, by }: LinkEnd): Promise<void> {
    const now = Date.now();
    site.link = undefined;
    this.#stopCheckingIfIdle();
    if (this.#sites.get(site.target.siteName) !== site) return;
    // A newer link has replaced this one, or the Switchboard has closed it, and asks again when it needs one.
    if (by === 'edge' && (code === closeCode.superseded || (code === 1000 && !site.target.keep))) {
      this.#forget(site.target.siteName);
      return;
    }
    if (now - site.openedAt >= STABLE_AFTER_MS) {
      site.failures = 0;
      site.failure = undefined;
    }
    const who = by === 'adapter' ? 'adapter' : 'edge';
    await this.#onFailed(site, `The ${who} closed the link: ${code}${reason === '' ? '' : ` ${reason}`}`);
  }

  /** Plans another attempt if the site still needs a link. */
  async #onFailed(site: DialedSite, reason: string, detail?: string): Promise<void> {
    const { siteName, url } = site.target;
    if (site.failure !== reason)
      console.warn(
        `Dialing the adapter of ${siteName} at ${new URL(url).host} failed. ${reason}${detail === undefined ? '' : ` (${detail})`}`,
      );
    site.failure = reason;
    site.failures += 1;
    // Before the Switchboard is asked: if this object is ended meanwhile, its alarm continues.
    const now = Date.now();
    const due = now + redialDelayMs(site.failures, Math.random());
    this.#redialAt(siteName, due, now, true);
    const target = await this.#askWhereToDial(site, reason);
    if (this.#sites.get(siteName) !== site) return;
    if (target === null) this.#forget(siteName);
    else site.target = target;
  }

  /** Returns where the site is to be dialed, or null if no link is needed. */
  async #askWhereToDial(site: DialedSite, reason: string): Promise<DialOrder | null> {
    try {
      return await switchboardOf(this.env, hintOf(site.target)).onDialFailed(reason, site.target.shard);
    } catch (error) {
      console.warn(`The site ${site.target.siteName} could not be asked whether it needs a link`, error);
      return site.target;
    }
  }

  #ask(site: DialedSite, question: (switchboard: ReturnType<typeof switchboardOf>) => Promise<void>): void {
    question(switchboardOf(this.env, hintOf(site.target))).catch((error: unknown) =>
      console.warn(`The site ${site.target.siteName} did not answer its Dialer`, error),
    );
  }

  /** @param isStored whether the wait must survive the end of this object */
  #redialAt(siteName: string, due: number, now: number, isStored = false): void {
    const site = this.#sites.get(siteName);
    if (!site) return;
    this.#stopWaiting(site);
    site.due = due;
    if (isStored) this.#redials.set({ target: site.target, due, failures: site.failures });
    if (due - now <= LONGEST_TIMER_MS)
      site.timer = setTimeout(() => this.#attempt(siteName), Math.max(1, due - now));
    this.#armAlarm(now);
  }

  #stopWaiting(site: DialedSite): void {
    clearTimeout(site.timer);
    site.timer = null;
    site.due = undefined;
  }

  #forget(siteName: string): void {
    const site = this.#sites.get(siteName);
    if (site) this.#stopWaiting(site);
    this.#sites.delete(siteName);
    this.#redials.delete(siteName);
    this.#armAlarm(Date.now());
  }

  #stopCheckingIfIdle(): void {
    if ([...this.#sites.values()].some(({ link }) => link)) return;
    clearInterval(this.#checkTimer);
    this.#checkTimer = null;
  }

  /** Arms one alarm for all that waits, and to stay alive; cancels it where there is nothing. */
  #armAlarm(now: number): void {
    if (this.#sites.size === 0) {
      if (this.#alarm.at(now) < Number.POSITIVE_INFINITY) void this.#alarm.cancel();
      return;
    }
    const dues = [...this.#sites.values()].map(({ due = Number.POSITIVE_INFINITY }) => due);
    this.#alarm.arm(Math.min(now + KEEP_ALIVE_MS, Math.max(Math.min(...dues), now + LONGEST_TIMER_MS)), now);
  }
}

function createSite(target: DialOrder, now: number): DialedSite {
  return {
    target,
    failures: 0,
    attemptedAt: 0,
    isDialing: false,
    hasSpoken: false,
    timer: null,
    openedAt: now,
    activeAt: now,
    askedAt: now,
  };
}

/** A clock that was set back makes nothing wait longer. */
function onClockSetBack(site: DialedSite, now: number): void {
  site.openedAt = Math.min(site.openedAt, now);
  site.activeAt = Math.min(site.activeAt, now);
  site.askedAt = Math.min(site.askedAt, now);
  site.link?.onClockSetBack(now);
}

function hintOf({ siteName, location }: DialOrder): Parameters<typeof switchboardOf>[1] {
  return { siteName, ...(location === undefined ? {} : { locationHint: location }) };
}
