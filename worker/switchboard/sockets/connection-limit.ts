/** Limits the open sockets of an object, and of the process. @module */

/**
 * Sockets of a site. The platform allows 32,768 for an object, but beyond some 8,000 clients the throughput of one object is
 * the limit; a site that needs more should be split.
 */
export const MAX_SITE_SOCKETS = 10_000;

/** Between two counts when the limit seems to be reached, in milliseconds: a count walks all sockets. */
const RECOUNT_INTERVAL_MS = 1_000;

/** The sockets of every object in this process by object id. They share file descriptors, and workerd dies without any. */
const socketsByObject = new Map<string, number>();
/** The same by tenant, whose sites are several objects. */
const socketsByTenant = new Map<string, number>();
let socketsInProcess = 0;

/**
 * Counts the sockets of one object as they connect and disconnect, so that no message has to walk them all. One that the
 * object has closed itself counts until the platform reports its end.
 */
export class ConnectionLimit {
  readonly #id: string;
  readonly #countSockets: () => number;
  readonly #limits: { readonly site: number; readonly process: number };
  #countedAt = Number.NEGATIVE_INFINITY;
  #tenant: string | undefined;

  /**
   * @param countSockets walks and counts the sockets
   * @param limits for this object, and for all objects of this process together. Of the latter the objects of a tenant get as
   *   many as are still free, so that whatever one takes, others get in: one alone gets a half, two together two thirds
   */
  constructor(
    id: string,
    countSockets: () => number,
    limits: { readonly site: number; readonly process: number },
  ) {
    this.#id = id;
    this.#countSockets = countSockets;
    this.#limits = limits;
  }

  /** Returns whether another socket must be refused. It recounts before, because an aborted object misses disconnects. */
  isReached(now: number, tenant: string): boolean {
    if (this.#tenant === undefined) {
      this.#tenant = tenant;
      addTo(socketsByTenant, tenant, socketsByObject.get(this.#id) ?? 0);
    }
    if (!socketsByObject.has(this.#id)) this.#setCount(this.#countSockets());
    if (!this.#seemsReached()) return false;
    // Also if the clock was set back.
    if (Math.abs(now - this.#countedAt) >= RECOUNT_INTERVAL_MS) {
      this.#countedAt = now;
      this.#setCount(this.#countSockets());
    }
    return this.#seemsReached();
  }

  onConnected(): void {
    this.#setCount((socketsByObject.get(this.#id) ?? this.#countSockets() - 1) + 1);
  }

  onDisconnected(): void {
    const before = socketsByObject.get(this.#id);
    if (before !== undefined) this.#setCount(before - 1);
  }

  #seemsReached(): boolean {
    const inObject = socketsByObject.get(this.#id) ?? 0;
    const inTenant = socketsByTenant.get(this.#tenant ?? '') ?? inObject;
    return inObject >= this.#limits.site || inTenant >= this.#limits.process - socketsInProcess;
  }

  #setCount(count: number): void {
    const added = count - (socketsByObject.get(this.#id) ?? 0);
    socketsInProcess += added;
    addTo(socketsByObject, this.#id, added);
    if (this.#tenant !== undefined) addTo(socketsByTenant, this.#tenant, added);
  }
}

function addTo(counts: Map<string, number>, name: string, added: number): void {
  const count = (counts.get(name) ?? 0) + added;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}
