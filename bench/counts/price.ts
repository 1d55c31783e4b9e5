/** What the platform asks for what was counted. @module */
import type { Counts } from './counts.ts';

/**
 * US dollars, on Cloudflare's paid plan beyond what it includes:
 * https://developers.cloudflare.com/durable-objects/platform/pricing
 */
const DOLLARS = {
  rowWritten: 1 / 1e6,
  rowRead: 0.001 / 1e6,
  request: 0.15 / 1e6,
  gigabyteSecond: 12.5 / 1e6,
  gigabyteMonth: 0.2,
} as const;

/** So many incoming messages of a WebSocket are billed as one request. */
const MESSAGES_TO_A_REQUEST = 20;
/** An object is billed as if it had all of its 128 MB. */
const OBJECT_GIGABYTES = 0.128;
/**
 * What a turn is taken to last, in seconds: our own part is well below a millisecond, and the platform's examples
 * reckon with so much.
 */
const TURN_S = 0.01;
const DAYS_TO_A_MONTH = 30;

/** What one command costs, in US dollars, by what is paid for. */
export interface Price {
  readonly rows: number;
  readonly requests: number;
  readonly duration: number;
  readonly storage: number;
  readonly total: number;
}

/** The price of these counts, stored for so many days. Setting an alarm is billed as a row. */
export function price(counts: Counts, days: number): Price {
  const { rowsWritten, rowsRead, alarmsSet, alarmsRun, requests, client, adapter } = counts;
  const messages = client.in + adapter.in;
  const rows = (rowsWritten + alarmsSet) * DOLLARS.rowWritten + rowsRead * DOLLARS.rowRead;
  const billed = (requests + alarmsRun + messages / MESSAGES_TO_A_REQUEST) * DOLLARS.request;
  const turns = requests + alarmsRun + messages;
  const duration = turns * TURN_S * OBJECT_GIGABYTES * DOLLARS.gigabyteSecond;
  const storage = (counts.stored / 1e9) * DOLLARS.gigabyteMonth * (days / DAYS_TO_A_MONTH);
  return { rows, requests: billed, duration, storage, total: rows + billed + duration + storage };
}
