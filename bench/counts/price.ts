/** Estimates what Cloudflare charges for counted resources. @module */
import type { ResourceCounts } from './resource-counts.ts';

/**
 * US dollars, on Cloudflare's paid plan beyond what it includes:
 * https://developers.cloudflare.com/durable-objects/platform/pricing
 */
const PRICES_USD = {
  rowWritten: 1 / 1e6,
  rowRead: 0.001 / 1e6,
  request: 0.15 / 1e6,
  gigabyteSecond: 12.5 / 1e6,
  gigabyteMonth: 0.2,
} as const;

/** So many incoming WebSocket messages are billed as one request. */
const MESSAGES_PER_REQUEST = 20;
/** An object is billed for its full 128 MB of memory. */
const OBJECT_GIGABYTES = 0.128;
/** Assumed duration of a turn. Our own part is well below a millisecond; Cloudflare's pricing examples assume this much. */
const TURN_SECONDS = 0.01;
const DAYS_PER_MONTH = 30;

/** The price of one command in US dollars, by billing item. */
export interface Price {
  readonly rows: number;
  readonly requests: number;
  readonly duration: number;
  readonly storage: number;
  readonly total: number;
}

/** Returns the price of these counts if the rows are stored for a number of days. Setting an alarm is billed as a row. */
export function estimatePrice(counts: ResourceCounts, days: number): Price {
  const { rowsWritten, rowsRead, alarmsSet, alarmsRun, client, adapter, bytesStored } = counts;
  const messages = client.in + adapter.in;
  const rows = (rowsWritten + alarmsSet) * PRICES_USD.rowWritten + rowsRead * PRICES_USD.rowRead;
  const requests = (counts.requests + alarmsRun + messages / MESSAGES_PER_REQUEST) * PRICES_USD.request;
  const turns = counts.requests + alarmsRun + messages;
  const duration = turns * TURN_SECONDS * OBJECT_GIGABYTES * PRICES_USD.gigabyteSecond;
  const storage = (bytesStored / 1e9) * PRICES_USD.gigabyteMonth * (days / DAYS_PER_MONTH);
  return { rows, requests, duration, storage, total: rows + requests + duration + storage };
}
