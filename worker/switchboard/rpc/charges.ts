/**
 * Charges clients for what they cost: each subject for its requests, its connections, and the bytes that are read and stored for it,
 * and all subjects of the site together, because a tenant can issue tokens for any number of subjects.
 * @module
 */
import type { Limits } from '../../../shared/policy/policy.ts';
import type { Connection } from '../../auth/principal.ts';
import { type LimitExceeded, wholeSeconds } from './limits.ts';
import { SharedRate } from './shared-rate.ts';

/** What is charged. */
interface Charge {
  readonly limits: { readonly subject: keyof Limits; readonly total: keyof Limits };
  /** The time that the limits are for, in seconds. A minute's limit may be used up at once. */
  readonly period: number;
  /** Returns why a request is refused, and what to do. */
  readonly reason: (who: string, limit: string) => string;
}

const REQUESTS: Charge = {
  limits: { subject: 'messages_per_second', total: 'tenant_messages_per_second' },
  period: 1,
  reason: (who, limit) =>
    `${who} may send ${limit} messages per second. Wait, or send fewer. Each request of a batch counts.`,
};

const REPLAYS: Charge = {
  limits: { subject: 'replayed_bytes_per_minute', total: 'tenant_replayed_bytes_per_minute' },
  period: 60,
  reason: (who, limit) =>
    `${who} may read ${limit} stored bytes per minute. Wait, or read less. Missed changes, lists, calls and commands count.`,
};

const WRITES: Charge = {
  limits: { subject: 'written_bytes_per_minute', total: 'tenant_written_bytes_per_minute' },
  period: 60,
  reason: (who, limit) =>
    `${who} may send ${limit} bytes per minute in the parameters of commands, which are stored. Wait, or send less metadata.`,
};

const CONNECTIONS: Charge = {
  limits: { subject: 'connections_per_minute', total: 'tenant_connections_per_minute' },
  period: 60,
  reason: (who, limit) =>
    `${who} may connect ${limit} times per minute. Keep connections open, or wait longer before you reconnect.`,
};

/**
 * All subjects of a site together may send half a second's worth at once: the other tenants of the machine wait for all of it, and a
 * thousand Echos took a second (measured on two cores).
 */
export const TOTAL_BURST_S = 0.5;

/** What a subject may have stored at once, in seconds of its limit: for a burst of commands. */
const WRITES_BURST_S = 4;

/**
 * What all subjects together may have stored at once, in seconds of their limit. SQLite writes some twenty-five times the bytes (measured
 * with a small budget, where what is running is copied again and again), and the other tenants of the machine wait for the disk.
 */
const TOTAL_WRITES_BURST_S = 1;

const EVERY_SUBJECT = 'All subjects together';

/**
 * Connections of an adapter that are always accepted in a minute. Its delay between two attempts grows from half a second to 30 s
 * (`adapter/link/backoff.ts`), so it needs a third of them; the rest is for a process that is restarted every few seconds.
 */
const MIN_ADAPTER_CONNECTIONS = 60;

/** More than any rate. */
const NO_TOTAL = Number.MAX_SAFE_INTEGER;

/**
 * Counts in memory: a hibernation forgets a minute of limits at most. The limits are read with each request, so that a new policy
 * applies at once.
 */
export class Charges {
  readonly #limits: () => Limits;
  readonly #requests = new SharedRate(undefined, TOTAL_BURST_S);
  readonly #replays = new SharedRate(REPLAYS.period);
  readonly #writes = new SharedRate(WRITES_BURST_S, TOTAL_WRITES_BURST_S);
  readonly #connections = new SharedRate(CONNECTIONS.period);
  readonly #adapterConnections = new SharedRate(CONNECTIONS.period);

  /** @param limits returns the limits in force; those of the tenant are the share of this site */
  constructor(limits: () => Limits) {
    this.#limits = limits;
  }

  /**
   * Charges requests, whatever they are sent over. Returns the limit that they exceed, or undefined.
   * @param count the requests of a message: each one of a batch counts
   * @param now in Unix milliseconds
   */
  requests(subject: string, count: number, now: number): LimitExceeded | undefined {
    return this.#charge(REQUESTS, this.#requests, subject, count, now);
  }

  /**
   * Charges bytes that are read for a subject from what the site has stored, or sent to it from there. Returns the limit that is
   * exceeded already, and charges nothing then. Otherwise all bytes are charged: those that exceed the limit are owed, and the next
   * request is refused until they are paid back.
   * @param bytes 0 before they are known: only asks whether anything may be read
   * @param now in Unix milliseconds
   */
  replay(subject: string, bytes: number, now: number): LimitExceeded | undefined {
    return this.#charge(REPLAYS, this.#replays, subject, bytes, now);
  }

  /**
   * Charges bytes that a command of a subject has stored. Returns the limit that is exceeded already, and charges nothing then.
   * @param now in Unix milliseconds
   */
  write(subject: string, bytes: number, now: number): LimitExceeded | undefined {
    return this.#charge(WRITES, this.#writes, subject, bytes, now);
  }

  /**
   * Charges whoever connects. Returns the limit that is exceeded, or undefined: too many connections, or more was read before than a
   * client may read that wants to read what it has missed.
   * @param now in Unix milliseconds
   */
  onConnecting(connection: Connection, now: number): LimitExceeded | undefined {
    if (connection.role === 'adapter') return this.adapterConnection(connection.key, now);
    const { subject, since, stream } = connection;
    // A request that waits for the end of a command is charged as a request.
    if (stream?.kind === 'command') return undefined;
    const wantsReplay = since !== undefined || stream !== undefined;
    return this.connection(subject, now) ?? (wantsReplay ? this.replay(subject, 0, now) : undefined);
  }

  /**
   * Charges a connection. Returns the limit that it exceeds, or undefined.
   * @param now in Unix milliseconds
   */
  connection(subject: string, now: number): LimitExceeded | undefined {
    return this.#charge(CONNECTIONS, this.#connections, subject, 1, now);
  }

  /**
   * Charges a connection of an adapter. Adapters are counted by key alone, so that clients cannot use up what they need.
   * @param now in Unix milliseconds
   */
  adapterConnection(key: string, now: number): LimitExceeded | undefined {
    const { connections_per_minute: configured } = this.#limits();
    const limit = Math.max(MIN_ADAPTER_CONNECTIONS, configured);
    const rates = { subject: limit / CONNECTIONS.period, total: NO_TOTAL };
    const exceeded = this.#adapterConnections.take(key, 1, rates, now);
    if (!exceeded) return undefined;
    const reason = CONNECTIONS.reason('The adapters of a key', String(limit));
    return { limit: 'connections_per_minute', retryAfter: wholeSeconds(exceeded.wait), reason };
  }

  #charge(
    { limits, period, reason }: Charge,
    rate: SharedRate,
    subject: string,
    count: number,
    now: number,
  ): LimitExceeded | undefined {
    const values = this.#limits();
    const rates = { subject: values[limits.subject] / period, total: values[limits.total] / period };
    const exceeded = rate.take(subject, count, rates, now);
    if (!exceeded) return undefined;
    const limit = limits[exceeded.of];
    const who = exceeded.of === 'subject' ? 'A subject' : EVERY_SUBJECT;
    // The share of a site may be any fraction.
    const shown = String(Math.round(values[limit] * 100) / 100);
    return { limit, retryAfter: wholeSeconds(exceeded.wait), reason: reason(who, shown) };
  }
}
