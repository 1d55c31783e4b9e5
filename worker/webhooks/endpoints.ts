/** The endpoints of a site: URLs, filters and signing keys. @module */
import type { EndpointBody, EndpointChange } from '../../shared/protocol/webhooks/endpoints.ts';
import type { EventFilter } from '../../shared/protocol/webhooks/events.ts';
import type { Signer } from './signing.ts';

export interface TimedSigner extends Signer {
  /** When it stops signing, in Unix milliseconds; absent for the newest signer, which does not expire. */
  readonly expiresAt?: number;
}

export interface Endpoint extends EventFilter {
  readonly id: string;
  readonly createdAt: number;
  readonly url: string;
  readonly description: string;
  readonly enabled: boolean;
  /** Why the edge has disabled it; null where it has not. */
  readonly disabledReason: string | null;
  /** Newest first. */
  readonly signers: readonly TimedSigner[];
  /** The receiver has asked for nothing before that time, in Unix milliseconds. */
  readonly quietUntil: number;
  /** Deliveries that were dropped before they could be sent. */
  readonly droppedCount: number;
}

/** The newest secrets that sign, whatever their grace periods: each takes room in the row and in every request. */
const MAX_SIGNERS = 10;

export class EndpointStore {
  readonly #sql: SqlStorage;
  /** Endpoints are read with each event and seldom change. */
  #cache: readonly Endpoint[] | undefined;
  /** By endpoint id. In memory, as the attempts are that need it. */
  readonly #changeCounts = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Returns all endpoints, oldest first. */
  list(): readonly Endpoint[] {
    this.#cache ??= this.#sql
      .exec<EndpointRow>('SELECT * FROM endpoints ORDER BY created_at, id')
      .toArray()
      .map(fromRow);
    return this.#cache;
  }

  get(id: string): Endpoint | undefined {
    return this.list().find((endpoint) => endpoint.id === id);
  }

  add(
    id: string,
    signer: Signer,
    { url, description = '', events = [], addresses = [], enabled = true }: EndpointBody,
    now: number,
  ): void {
    this.#sql.exec(
      `INSERT INTO endpoints (id, created_at, url, description, events, addresses, enabled, signers)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      now,
      url,
      description,
      JSON.stringify(events),
      JSON.stringify(addresses),
      enabled ? 1 : 0,
      JSON.stringify([signer]),
    );
    this.#cache = undefined;
  }

  /** How often an administrator has changed where an endpoint is, or whether it is enabled, since the object was started. */
  changeCountOf(id: string): number {
    return this.#changeCounts.get(id) ?? 0;
  }

  /** Changes what is given. Enabling an endpoint also ends the silence that its receiver asked for. */
  change(before: Endpoint, change: EndpointChange): void {
    const { url, description, events, addresses, enabled } = { ...before, ...definedFields(change) };
    this.#sql.exec(
      'UPDATE endpoints SET url = ?, description = ?, events = ?, addresses = ?, enabled = ? WHERE id = ?',
      url,
      description,
      JSON.stringify(events),
      JSON.stringify(addresses),
      enabled ? 1 : 0,
      before.id,
    );
    if (url !== before.url || change.enabled !== undefined)
      this.#changeCounts.set(before.id, this.changeCountOf(before.id) + 1);
    if (change.enabled)
      this.#sql.exec('UPDATE endpoints SET disabled_reason = NULL, quiet_until = 0 WHERE id = ?', before.id);
    this.#cache = undefined;
  }

  /** Adds a signer. The active ones keep signing for at most `graceMs` more milliseconds. */
  rotate({ id, signers }: Endpoint, signer: Signer, graceMs: number, now: number): void {
    const previous = activeSigners(signers, now).map((active) => ({
      ...active,
      expiresAt: Math.min(active.expiresAt ?? Number.POSITIVE_INFINITY, now + graceMs),
    }));
    const rotated = graceMs > 0 ? [signer, ...previous].slice(0, MAX_SIGNERS) : [signer];
    this.#sql.exec('UPDATE endpoints SET signers = ? WHERE id = ?', JSON.stringify(rotated), id);
    this.#cache = undefined;
  }

  disable(id: string, reason: string): void {
    this.#sql.exec('UPDATE endpoints SET enabled = 0, disabled_reason = ? WHERE id = ?', reason, id);
    this.#cache = undefined;
  }

  /** Sends the endpoint nothing before that time, in Unix milliseconds. */
  setQuietUntil(id: string, time: number): void {
    this.#sql.exec('UPDATE endpoints SET quiet_until = ? WHERE id = ?', time, id);
    this.#cache = undefined;
  }

  /** Counts deliveries that were dropped. */
  addDropped(id: string, count: number): void {
    this.#sql.exec('UPDATE endpoints SET dropped_count = dropped_count + ? WHERE id = ?', count, id);
    this.#cache = undefined;
  }

  delete(id: string): void {
    this.#sql.exec('DELETE FROM endpoints WHERE id = ?', id);
    this.#changeCounts.delete(id);
    this.#cache = undefined;
  }
}

/** Returns the signers that have not expired, newest first. */
export function activeSigners(signers: readonly TimedSigner[], now: number): readonly TimedSigner[] {
  return signers.filter(({ expiresAt = Number.POSITIVE_INFINITY }) => now < expiresAt);
}

/** Removes undefined fields, which would override existing values when spread. */
function definedFields(change: EndpointChange): EndpointChange {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

type EndpointRow = {
  id: string;
  created_at: number;
  url: string;
  description: string;
  events: string;
  addresses: string;
  enabled: number;
  disabled_reason: string | null;
  signers: string;
  quiet_until: number;
  dropped_count: number;
};

function fromRow({ id, url, description, ...row }: EndpointRow): Endpoint {
  return {
    id,
    createdAt: row.created_at,
    url,
    description,
    events: JSON.parse(row.events) as string[],
    addresses: JSON.parse(row.addresses) as string[],
    enabled: row.enabled === 1,
    disabledReason: row.disabled_reason,
    signers: JSON.parse(row.signers) as TimedSigner[],
    quietUntil: row.quiet_until,
    droppedCount: row.dropped_count,
  };
}
