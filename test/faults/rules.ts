/** How often what goes wrong: the stated fault rates. @module */

/** What may happen to a datagram, each with its probability. */
export interface DatagramRules {
  readonly drop: number;
  /** Comes up to `delayMs` later. */
  readonly delay: number;
  readonly delayMs: number;
  /** Comes twice. */
  readonly double: number;
  /** Comes after the one that follows it. */
  readonly reorder: number;
}

/** The three flows of datagrams between adapter and OpenSIPS. A doubled request would run twice: it is never doubled. */
export interface UdpRules {
  readonly request: Omit<DatagramRules, 'double' | 'reorder'>;
  readonly reply: DatagramRules;
  readonly event: DatagramRules;
}

/** What befalls a run as a whole: how many of each on average. 0.25 is one in four runs. */
export interface GraveRules {
  /** The adapter's connection to the edge is reset. */
  readonly linkCut: number;
  /** It stands, and nothing comes through for `halfOpenMs` at most; then it heals or is reset. */
  readonly linkHalfOpen: number;
  readonly halfOpenMs: number;
  /** All that the link carries comes up to 200 ms late, for a second. */
  readonly linkSlow: number;
  readonly clientCut: number;
  readonly clientHalfOpen: number;
  /** kill -9, at once or as a request, a reply or an event passes; then it starts anew. */
  readonly adapterKill: number;
  /** kill -9, then it starts anew on the same data. */
  readonly edgeKill: number;
  /** `ctx.abort()` between two turns of the object, and within one. */
  readonly abort: number;
  readonly abortInTurn: number;
  /** The object is put out of memory, its sockets kept or closed. On miniflare only. */
  readonly evictHibernated: number;
  readonly evictClosed: number;
  /** OpenSIPS restarts: calls that stand are kept in its database, or all is lost. */
  readonly restartKept: number;
  readonly restartLost: number;
}

export interface Rules {
  readonly udp: UdpRules;
  readonly grave: GraveRules;
}

const NOTHING: DatagramRules = { drop: 0, delay: 0, delayMs: 0, double: 0, reorder: 0 };

/** Datagrams pass as they come. */
export const CLEAR: UdpRules = { request: NOTHING, reply: NOTHING, event: NOTHING };

/** Nothing goes wrong by itself. */
export const CALM: GraveRules = {
  linkCut: 0,
  linkHalfOpen: 0,
  halfOpenMs: 0,
  linkSlow: 0,
  clientCut: 0,
  clientHalfOpen: 0,
  adapterKill: 0,
  edgeKill: 0,
  abort: 0,
  abortInTurn: 0,
  evictHibernated: 0,
  evictClosed: 0,
  restartKept: 0,
  restartLost: 0,
};

/** What the long run is held to. */
export const STATED: Rules = {
  udp: {
    request: { drop: 0.001, delay: 0.05, delayMs: 50 },
    reply: { drop: 0.01, delay: 0.05, delayMs: 50, double: 0.01, reorder: 0.02 },
    event: { drop: 0.01, delay: 0.05, delayMs: 50, double: 0.01, reorder: 0.02 },
  },
  grave: {
    linkCut: 2,
    linkHalfOpen: 1,
    halfOpenMs: 3_000,
    linkSlow: 1,
    clientCut: 5,
    clientHalfOpen: 1,
    adapterKill: 0.5,
    edgeKill: 0.5,
    abort: 1,
    abortInTurn: 1,
    evictHibernated: 0,
    evictClosed: 0,
    restartKept: 0.1,
    restartLost: 0.1,
  },
};

/** The same on miniflare, which lets objects be evicted and its workerd not be killed. */
export const STATED_ON_MINIFLARE: Rules = {
  ...STATED,
  grave: { ...STATED.grave, edgeKill: 0, evictHibernated: 5, evictClosed: 1 },
};
