/** The endpoints of a site: where webhooks go, which, and what they are signed with. @module */
import type { EndpointBody, EndpointChange, Filter } from '../../shared/webhooks.ts';
import type { Signer } from './signing.ts';

/** A signer, and until when it signs in Unix milliseconds; the newest has no end. */
interface Kept extends Signer {
  readonly until?: number;
}

export interface Endpoint extends Filter {
  readonly id: string;
  readonly created: number;
  readonly url: string;
  readonly description: string;
  readonly enabled: boolean;
  /** Why the edge has disabled it; null where it has not. */
  readonly because: string | null;
  /** The newest first. */
  readonly signers: readonly Kept[];
  /** It has asked for nothing before that time. */
  readonly quietUntil: number;
  /** Deliveries that had to make room. */
  readonly dropped: number;
}

export class Endpoints {
  readonly #sql: SqlStorage;
  /** Read with each event, changed seldom. */
  #all: readonly Endpoint[] | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The oldest first. */
  list(): readonly Endpoint[] {
    this.#all ??= this.#sql.exec<Row>('SELECT * FROM endpoints ORDER BY created, id').toArray().map(read);
    return this.#all;
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
      'INSERT INTO endpoints (id, created, url, description, events, addresses, enabled, signers) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      now,
      url,
      description,
      JSON.stringify(events),
      JSON.stringify(addresses),
      enabled ? 1 : 0,
      JSON.stringify([signer]),
    );
    this.#all = undefined;
  }

  /** What is absent stays. One that is enabled is not kept waiting by what it asked for before. */
  change(before: Endpoint, change: EndpointChange): void {
    const { url, description, events, addresses, enabled } = { ...before, ...given(change) };
    this.#sql.exec(
      'UPDATE endpoints SET url = ?, description = ?, events = ?, addresses = ?, enabled = ? WHERE id = ?',
      url,
      description,
      JSON.stringify(events),
      JSON.stringify(addresses),
      enabled ? 1 : 0,
      before.id,
    );
    if (change.enabled)
      this.#sql.exec('UPDATE endpoints SET because = NULL, quiet_until = 0 WHERE id = ?', before.id);
    this.#all = undefined;
  }

  /** A new signer; those that sign now do so for so many milliseconds more at most. */
  rotate({ id, signers }: Endpoint, fresh: Signer, grace: number, now: number): void {
    const old = signing(signers, now).map((kept) => ({
      ...kept,
      until: Math.min(kept.until ?? Number.POSITIVE_INFINITY, now + grace),
    }));
    const all = grace > 0 ? [fresh, ...old] : [fresh];
    this.#sql.exec('UPDATE endpoints SET signers = ? WHERE id = ?', JSON.stringify(all), id);
    this.#all = undefined;
  }

  /** It wants nothing any more. */
  disable(id: string, because: string): void {
    this.#sql.exec('UPDATE endpoints SET enabled = 0, because = ? WHERE id = ?', because, id);
    this.#all = undefined;
  }

  /** It wants nothing before that time. */
  silence(id: string, until: number): void {
    this.#sql.exec('UPDATE endpoints SET quiet_until = ? WHERE id = ?', until, id);
    this.#all = undefined;
  }

  /** So many more of its deliveries had to make room. */
  dropped(id: string, count: number): void {
    this.#sql.exec('UPDATE endpoints SET dropped = dropped + ? WHERE id = ?', count, id);
    this.#all = undefined;
  }

  delete(id: string): void {
    this.#sql.exec('DELETE FROM endpoints WHERE id = ?', id);
    this.#all = undefined;
  }
}

/** Those that sign now, the newest first. */
export function signing(signers: readonly Kept[], now: number): readonly Kept[] {
  return signers.filter(({ until = Number.POSITIVE_INFINITY }) => now < until);
}

/** Members that are not given would take the place of those that are. */
function given(change: EndpointChange): EndpointChange {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

type Row = {
  id: string;
  created: number;
  url: string;
  description: string;
  events: string;
  addresses: string;
  enabled: number;
  because: string | null;
  signers: string;
  quiet_until: number;
  dropped: number;
};

function read({ events, addresses, enabled, signers, quiet_until, ...row }: Row): Endpoint {
  return {
    ...row,
    events: JSON.parse(events) as string[],
    addresses: JSON.parse(addresses) as string[],
    enabled: enabled === 1,
    signers: JSON.parse(signers) as Kept[],
    quietUntil: quiet_until,
  };
}
