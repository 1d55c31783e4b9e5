/** What a Dialer knows of one adapter: where it is dialed, how attempts went, and its link. @module */
import type { DialOrder } from '../../shared/policy/link-setting.ts';
import type { Splice } from './splice.ts';

export interface DialedAdapter {
  /** One of the URLs of the order. */
  readonly url: string;
  /** The order for all adapters of the site. */
  order: DialOrder;
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

/** Returns an adapter that was never dialed. */
export function createDialedAdapter(
  url: string,
  order: DialOrder,
  failures: number,
  now: number,
): DialedAdapter {
  return {
    url,
    order,
    failures,
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
export function onClockSetBack(adapter: DialedAdapter, now: number): void {
  adapter.openedAt = Math.min(adapter.openedAt, now);
  adapter.activeAt = Math.min(adapter.activeAt, now);
  adapter.askedAt = Math.min(adapter.askedAt, now);
  adapter.link?.onClockSetBack(now);
}

/** The adapters that a Dialer dials, by site and URL. */
export class DialedAdapters {
  readonly #bySite = new Map<string, Map<string, DialedAdapter>>();

  get size(): number {
    return this.#bySite.size;
  }

  get all(): DialedAdapter[] {
    return [...this.#bySite.values()].flatMap((adapters) => [...adapters.values()]);
  }

  /** Those of a site. */
  of(siteName: string): DialedAdapter[] {
    return [...(this.#bySite.get(siteName)?.values() ?? [])];
  }

  /** Whether this one was neither removed nor replaced. */
  has(adapter: DialedAdapter): boolean {
    return this.#bySite.get(adapter.order.siteName)?.get(adapter.url) === adapter;
  }

  add(adapter: DialedAdapter): void {
    const { siteName } = adapter.order;
    const adapters = this.#bySite.get(siteName) ?? new Map<string, DialedAdapter>();
    this.#bySite.set(siteName, adapters.set(adapter.url, adapter));
  }

  delete({ url, order: { siteName } }: DialedAdapter): void {
    const adapters = this.#bySite.get(siteName);
    adapters?.delete(url);
    if (adapters?.size === 0) this.#bySite.delete(siteName);
  }
}
