/** How often each fault is injected. @module */

/** What may happen to a datagram, each with its probability. */
export interface DatagramFaultRates {
  readonly drop: number;
  /** Arrives up to `delayMs` later. */
  readonly delay: number;
  readonly delayMs: number;
  /** Arrives twice. */
  readonly duplicate: number;
  /** Arrives after the next datagram. */
  readonly reorder: number;
}

/**
 * Rates for the three flows between adapter and OpenSIPS. Requests are not duplicated: OpenSIPS would run them twice.
 */
export interface UdpFaultRates {
  readonly request: Omit<DatagramFaultRates, 'duplicate' | 'reorder'>;
  readonly reply: DatagramFaultRates;
  readonly event: DatagramFaultRates;
}

/** Faults of whole components: the average number of each per run. 0.25 is one in four runs. */
export interface SystemFaultRates {
  /** The adapter's connection to the edge is reset. */
  readonly linkReset: number;
  /** The connection stays open but passes nothing for `halfOpenMs` at most; then it resumes or is reset. */
  readonly linkHalfOpen: number;
  readonly halfOpenMs: number;
  /** The same for 5 to 28 s: so long that commands are canceled and end meanwhile, and that the edge gives the link up. */
  readonly linkHalfOpenLong: number;
  /** Everything on the link is up to 200 ms late, for one second. */
  readonly linkSlow: number;
  readonly clientReset: number;
  readonly clientHalfOpen: number;
  /** The adapter is killed (kill -9), at once or while a request, a reply or an event passes; then it is restarted. */
  readonly adapterKill: number;
  /** The edge is killed (kill -9), then restarted with the same data. */
  readonly edgeKill: number;
  /** `ctx.abort()` of the object between two turns, and within one. */
  readonly abort: number;
  readonly abortWithinTurn: number;
  /** `ctx.abort()` of the Dialer. Only where the edge dials. */
  readonly abortDialer: number;
  /** The object is evicted from memory, with its sockets kept or closed. On miniflare only. */
  readonly evictHibernated: number;
  readonly evictClosed: number;
  /** OpenSIPS restarts, and its database keeps the active calls, or all of them are lost. */
  readonly restartKeepingDialogs: number;
  readonly restartLosingDialogs: number;
  /** OpenSIPS ends, loses all calls, and is started again up to 12 s later. */
  readonly openSipsCrash: number;
  /** The adapter is stopped (SIGTERM), then restarted; with two adapters, the other one takes over without a failure. */
  readonly adapterStop: number;
  /** The adapter hangs (SIGSTOP) for up to half a minute, then goes on. */
  readonly adapterHang: number;
}

export interface FaultRates {
  readonly udp: UdpFaultRates;
  readonly system: SystemFaultRates;
}

const NO_DATAGRAM_FAULTS: DatagramFaultRates = { drop: 0, delay: 0, delayMs: 0, duplicate: 0, reorder: 0 };

export const NO_UDP_FAULTS: UdpFaultRates = {
  request: NO_DATAGRAM_FAULTS,
  reply: NO_DATAGRAM_FAULTS,
  event: NO_DATAGRAM_FAULTS,
};

export const NO_SYSTEM_FAULTS: SystemFaultRates = {
  linkReset: 0,
  linkHalfOpen: 0,
  halfOpenMs: 0,
  linkHalfOpenLong: 0,
  linkSlow: 0,
  clientReset: 0,
  clientHalfOpen: 0,
  adapterKill: 0,
  edgeKill: 0,
  abort: 0,
  abortWithinTurn: 0,
  abortDialer: 0,
  evictHibernated: 0,
  evictClosed: 0,
  restartKeepingDialogs: 0,
  restartLosingDialogs: 0,
  openSipsCrash: 0,
  adapterStop: 0,
  adapterHang: 0,
};

/** The rates of the long run on workerd. */
export const WORKERD_RATES: FaultRates = {
  udp: {
    request: { drop: 0.001, delay: 0.05, delayMs: 50 },
    reply: { drop: 0.01, delay: 0.05, delayMs: 50, duplicate: 0.01, reorder: 0.02 },
    event: { drop: 0.01, delay: 0.05, delayMs: 50, duplicate: 0.01, reorder: 0.02 },
  },
  system: {
    linkReset: 2,
    linkHalfOpen: 1,
    halfOpenMs: 3_000,
    linkHalfOpenLong: 0.5,
    linkSlow: 1,
    clientReset: 5,
    clientHalfOpen: 1,
    adapterKill: 0.5,
    edgeKill: 0.5,
    abort: 1,
    abortWithinTurn: 1,
    abortDialer: 0,
    evictHibernated: 0,
    evictClosed: 0,
    restartKeepingDialogs: 0.1,
    restartLosingDialogs: 0.1,
    openSipsCrash: 0,
    adapterStop: 0,
    adapterHang: 0,
  },
};

/** The rates on miniflare, which can evict objects but does not let its workerd be killed. */
export const MINIFLARE_RATES: FaultRates = {
  ...WORKERD_RATES,
  system: { ...WORKERD_RATES.system, edgeKill: 0, evictHibernated: 5, evictClosed: 1 },
};

/** Returns the rates for a site with several adapters, each of which is killed, stopped and made to hang. */
export function forSeveralAdapters(rates: FaultRates): FaultRates {
  return { ...rates, system: { ...rates.system, adapterKill: 2, adapterStop: 2, adapterHang: 1 } };
}

/** Returns the rates for a site that several adapters serve, each beside an OpenSIPS of its own, which fails as well. */
export function forActiveAdapters(rates: FaultRates): FaultRates {
  const { udp, system } = forSeveralAdapters(rates);
  const failures = { restartKeepingDialogs: 0.3, restartLosingDialogs: 0.3, openSipsCrash: 0.5 };
  return { udp, system: { ...system, ...failures } };
}

/** Returns the rates without faults of what all adapters share: the edge, and the clients. */
export function withoutSharedFaults({ udp, system }: FaultRates): FaultRates {
  const { edgeKill, abort, abortWithinTurn, abortDialer, evictHibernated, evictClosed } = NO_SYSTEM_FAULTS;
  const { clientReset, clientHalfOpen } = NO_SYSTEM_FAULTS;
  const edge = { edgeKill, abort, abortWithinTurn, abortDialer, evictHibernated, evictClosed };
  return { udp, system: { ...system, ...edge, clientReset, clientHalfOpen } };
}

/** Returns the rates where the edge dials. */
export function withDialer(rates: FaultRates): FaultRates {
  return { ...rates, system: { ...rates.system, abortDialer: 1 } };
}
