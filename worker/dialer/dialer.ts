/**
 * A Dialer opens the links of sites whose adapters listen, and holds the outgoing sockets: those cannot hibernate, while the
 * Switchboards behind them can. Dialers are named `<location or any>/<number>`; a site uses the first one that has room.
 * The Switchboard decides whether a link is needed. This object only dials, and dials again: each adapter of a site by itself.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import { type DialOrder, dialUrls } from '../../shared/policy/link-setting.ts';
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
import { createDialedAdapter, type DialedAdapter, DialedAdapters, onClockSetBack } from './dialed-adapter.ts';
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

/**
 * The other adapters of a site are dialed this long after the first one, in milliseconds, unless that answers or fails before: a command
 * waits for 5 s (`LINK_WAIT_MS`).
 */
const HEAD_START_MS = 1_000;

const NOT_DIALED_ANY_MORE = 'The edge does not dial this adapter any more.';

export class Dialer extends DurableObject<Env> {
  readonly #adapters = new DialedAdapters();
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
    for (const { url, order, due, failures } of this.#redials.list()) {
      const adapter = createDialedAdapter(url, order, failures, now);
      this.#adapters.add(adapter);
      this.#redialAt(adapter, due ?? now, now);
    }
  }

  /**
   * Dials the adapters of a site, except those that are linked, are being dialed, or wait after a failure. Returns `full` if another
   * Dialer should.
   * @param isUrgent a command waits: it shortens such a wait
   */
  dial(order: DialOrder, isUrgent: boolean): 'accepted' | 'full' {
    const now = Date.now();
    const known = this.#adapters.of(order.siteName);
    if (known.length === 0 && isFull(this.#adapters.all, now)) return 'full';
    this.#adopt(order);
    for (const url of dialUrls(order)) {
      const adapter = known.find((each) => each.url === url);
      if (adapter) this.#hasten(adapter, isUrgent, now);
      else this.#dialNew(createDialedAdapter(url, order, 0, now), now);
    }
    return 'accepted';
  }

  /** The site is not dialed any more, or at other places. */
  hangUp(siteName: string): void {
    for (const adapter of this.#adapters.of(siteName)) this.#hangUp(adapter);
  }

  override async alarm(): Promise<void> {
    this.#alarm.onFired();
    const now = Date.now();
    for (const adapter of this.#adapters.all) {
      if (adapter.due !== undefined && adapter.due <= now) this.#attempt(adapter);
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

  /** The first adapter of a site has a head start, so that it serves the site whenever it can. */
  #dialNew(adapter: DialedAdapter, now: number): void {
    const isFirst = this.#adapters.of(adapter.order.siteName).length === 0;
    this.#adapters.add(adapter);
    if (isFirst) this.#attempt(adapter);
    else this.#redialAt(adapter, now + HEAD_START_MS, now);
  }

  /** An attempt has ended: the adapters that have waited for that are dialed. */
  #dialOthers({ order }: DialedAdapter): void {
    for (const each of this.#adapters.of(order.siteName)) if (each.attemptedAt === 0) this.#attempt(each);
  }

  /** Takes over the newest setting of a site. */
  #adopt(order: DialOrder): void {
    for (const adapter of this.#adapters.of(order.siteName)) {
      adapter.order = order;
      if (!dialUrls(order).includes(adapter.url)) this.#hangUp(adapter);
    }
  }

  #hangUp(adapter: DialedAdapter): void {
    this.#forget(adapter);
    adapter.link?.close(1000, NOT_DIALED_ANY_MORE);
  }

  /** Begins an attempt, or makes one that is planned earlier if a command waits. */
  #hasten(adapter: DialedAdapter, isUrgent: boolean, now: number): void {
    if (adapter.link || adapter.isDialing) return;
    const earliest = Math.min(adapter.attemptedAt, now) + URGENT_INTERVAL_MS;
    if (adapter.due === undefined) this.#attempt(adapter);
    else if (isUrgent && adapter.due > earliest) this.#redialAt(adapter, Math.max(now, earliest), now);
  }

  /** Begins an attempt. It ends in {@link #open} or {@link #onFailed}. */
  #attempt(adapter: DialedAdapter): void {
    if (!this.#adapters.has(adapter) || adapter.isDialing || adapter.link) return;
    this.#stopWaiting(adapter);
    adapter.isDialing = true;
    adapter.attemptedAt = Date.now();
    adapter.activeAt = adapter.attemptedAt;
    void this.#dialAndOpen(adapter);
  }

  async #dialAndOpen(adapter: DialedAdapter): Promise<void> {
    const { order, url } = adapter;
    const result = await dialAdapter({ ...order, url }, this.env, (proof) => this.verifyProof(proof));
    const opened = 'socket' in result ? await this.#openEdgeSocket(order, result) : result;
    adapter.isDialing = false;
    const isWanted = this.#adapters.has(adapter);
    if (isWanted) this.#dialOthers(adapter);
    if ('failure' in opened) {
      if (isWanted) await this.#onFailed(adapter, opened.failure, opened.detail);
      return;
    }
    if (isWanted) return this.#open(adapter, opened);
    for (const socket of [opened.adapter, opened.edge]) closeUnused(socket, 1000, NOT_DIALED_ANY_MORE);
  }

  async #openEdgeSocket(
    order: DialOrder,
    { socket: adapter, principal }: Exclude<DialResult, { failure: string }>,
  ): Promise<{ adapter: WebSocket; edge: WebSocket } | { failure: string; detail?: string }> {
    try {
      const response = await openSocket(this.env, { ...hintOf(order), principal }, principal);
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
    dialed: DialedAdapter,
    { adapter, edge }: { readonly adapter: WebSocket; readonly edge: WebSocket },
  ): void {
    const now = Date.now();
    const { order, url } = dialed;
    dialed.openedAt = now;
    dialed.hasSpoken = false;
    dialed.activeAt = now;
    dialed.askedAt = now;
    if (order.keep) this.#redials.set({ order, url, due: null, failures: 0 });
    else this.#redials.delete(order.siteName, url);
    dialed.link = new Splice({
      adapter,
      edge,
      now: Date.now,
      onFrame: () => this.#onFrame(dialed),
      onEnd: (end) => void this.#onEnd(dialed, end),
    });
    this.#checkTimer ??= setInterval(() => this.#checkLinks(), CHECK_INTERVAL_MS);
    this.#armAlarm(now);
  }

  #onFrame(adapter: DialedAdapter): void {
    const now = Date.now();
    if (isIdle(adapter.activeAt, now) && isBusy(this.#adapters.all, now)) {
      // The Switchboard has it dialed by another Dialer, whose link then replaces this one.
      this.#ask(adapter, (switchboard) => switchboard.moveLink(adapter.order.shard));
    }
    adapter.activeAt = now;
    adapter.hasSpoken = true;
  }

  /** Closes links that are silent, and lets the Switchboard close idle ones: it knows what it needs. */
  #checkLinks(): void {
    const now = Date.now();
    for (const adapter of this.#adapters.all) {
      onClockSetBack(adapter, now);
      const { link, order, hasSpoken, openedAt } = adapter;
      if (!link) continue;
      if (!hasSpoken && now - openedAt >= HANDSHAKE_TIMEOUT_MS)
        link.close(GOING_AWAY, 'No hello arrived in time.');
      else if (now - link.heardAt > PING_TIMEOUT_MS) link.close(GOING_AWAY, 'No ping arrived in time.');
      else if (!order.keep && this.#isSiteIdle(order, now)) {
        // It closes all links of the site.
        for (const each of this.#adapters.of(order.siteName)) each.askedAt = now;
        this.#ask(adapter, (switchboard) => switchboard.releaseLink());
      }
    }
    this.#stopCheckingIfIdle();
  }

  #isSiteIdle({ siteName, idle_s }: DialOrder, now: number): boolean {
    const times = this.#adapters.of(siteName).flatMap(({ activeAt, askedAt }) => [activeAt, askedAt]);
    return now - Math.max(...times) >= idle_s * 1_000;
  }

  async #onEnd(adapter: DialedAdapter, { code, reason, by }: LinkEnd): Promise<void> {
    const now = Date.now();
    adapter.link = undefined;
    this.#stopCheckingIfIdle();
    if (!this.#adapters.has(adapter)) return;
    // A newer link has replaced this one, or the Switchboard has closed it, and asks again when it needs one.
    if (by === 'edge' && (code === closeCode.superseded || (code === 1000 && !adapter.order.keep))) {
      this.#forget(adapter);
      return;
    }
    if (now - adapter.openedAt >= STABLE_AFTER_MS) {
      adapter.failures = 0;
      adapter.failure = undefined;
    }
    await this.#onFailed(adapter, `The ${by} closed the link: ${code}${reason === '' ? '' : ` ${reason}`}`);
  }

  /** Plans another attempt if the site still needs a link. */
  async #onFailed(adapter: DialedAdapter, failure: string, detail?: string): Promise<void> {
    const { order, url } = adapter;
    const { host } = new URL(url);
    if (adapter.failure !== failure)
      console.warn(
        `Dialing the adapter of ${order.siteName} at ${host} failed. ${failure}${detail === undefined ? '' : ` (${detail})`}`,
      );
    adapter.failure = failure;
    adapter.failures += 1;
    // Before the Switchboard is asked: if this object is ended meanwhile, its alarm continues.
    const now = Date.now();
    this.#redialAt(adapter, now + redialDelayMs(adapter.failures, Math.random()), now, true);
    const reason = dialUrls(order).length > 1 ? `${host}: ${failure}` : failure;
    const newest = await this.#askWhereToDial(adapter, reason);
    if (!this.#adapters.has(adapter)) return;
    if (newest === null) this.#forget(adapter);
    else this.#adopt(newest);
  }

  /** Returns where the site is to be dialed, or null if this adapter is not needed. */
  async #askWhereToDial({ order }: DialedAdapter, reason: string): Promise<DialOrder | null> {
    const isLast = !this.#adapters.of(order.siteName).some(({ link, isDialing }) => link || isDialing);
    try {
      return await switchboardOf(this.env, hintOf(order)).onDialFailed(reason, order.shard, isLast);
    } catch (error) {
      console.warn(`The site ${order.siteName} could not be asked whether it needs a link`, error);
      return order;
    }
  }

  #ask(
    { order }: DialedAdapter,
    question: (switchboard: ReturnType<typeof switchboardOf>) => Promise<void>,
  ): void {
    question(switchboardOf(this.env, hintOf(order))).catch((error: unknown) =>
      console.warn(`The site ${order.siteName} did not answer its Dialer`, error),
    );
  }

  /** @param isStored whether the wait must survive the end of this object */
  #redialAt(adapter: DialedAdapter, due: number, now: number, isStored = false): void {
    const { order, url, failures } = adapter;
    if (!this.#adapters.has(adapter)) return;
    this.#stopWaiting(adapter);
    adapter.due = due;
    if (isStored) this.#redials.set({ order, url, due, failures });
    if (due - now <= LONGEST_TIMER_MS)
      adapter.timer = setTimeout(() => this.#attempt(adapter), Math.max(1, due - now));
    this.#armAlarm(now);
  }

  #stopWaiting(adapter: DialedAdapter): void {
    clearTimeout(adapter.timer);
    adapter.timer = null;
    adapter.due = undefined;
  }

  #forget(adapter: DialedAdapter): void {
    this.#stopWaiting(adapter);
    this.#adapters.delete(adapter);
    this.#redials.delete(adapter.order.siteName, adapter.url);
    this.#armAlarm(Date.now());
  }

  #stopCheckingIfIdle(): void {
    if (this.#adapters.all.some(({ link }) => link)) return;
    clearInterval(this.#checkTimer);
    this.#checkTimer = null;
  }

  /** Arms one alarm for all that waits, and to stay alive; cancels it where there is nothing. */
  #armAlarm(now: number): void {
    if (this.#adapters.size === 0) {
      if (this.#alarm.at(now) < Number.POSITIVE_INFINITY) void this.#alarm.cancel();
      return;
    }
    const dues = this.#adapters.all.map(({ due = Number.POSITIVE_INFINITY }) => due);
    this.#alarm.arm(Math.min(now + KEEP_ALIVE_MS, Math.max(Math.min(...dues), now + LONGEST_TIMER_MS)), now);
  }
}

function hintOf({ siteName, location }: DialOrder): Parameters<typeof switchboardOf>[1] {
  return { siteName, ...(location === undefined ? {} : { locationHint: location }) };
}
