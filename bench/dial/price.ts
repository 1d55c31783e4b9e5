/** What a dialed site costs on Cloudflare. Pure. @module */

/** What was counted of a site, its Dialer and the Worker in a time. */
export interface DialCounts {
  /** To the Worker. */
  readonly workerRequests: number;
  /** To objects, other than messages. */
  readonly requests: number;
  /** That the Switchboard has received, without pings. */
  readonly messages: number;
  readonly alarmsRun: number;
  readonly alarmsSet: number;
  readonly rowsWritten: number;
}

/**
 * US dollars, on Cloudflare's paid plan beyond what it includes: https://developers.cloudflare.com/workers/platform/pricing and
 * https://developers.cloudflare.com/durable-objects/platform/pricing
 */
const PRICES_USD = {
  workerRequest: 0.3 / 1e6,
  request: 0.15 / 1e6,
  /** 20 incoming messages of a WebSocket are one request. */
  message: 0.15 / 20 / 1e6,
  row: 1 / 1e6,
  /** An object is billed for 128 MB. */
  second: 0.128 * (12.5 / 1e6),
} as const;

/** The adapter sends a ping in so many seconds, to the Switchboard as well, which answers it asleep. */
const PING_INTERVAL_S = 10;

/**
 * Returns US dollars.
 * @param openSeconds how long the Dialer held a link, so that it could not hibernate
 */
export function priceOf(counts: DialCounts, openSeconds: number): number {
  const { workerRequests, requests, messages, alarmsRun, alarmsSet, rowsWritten } = counts;
  return (
    workerRequests * PRICES_USD.workerRequest +
    (requests + alarmsRun) * PRICES_USD.request +
    (messages + openSeconds / PING_INTERVAL_S) * PRICES_USD.message +
    (rowsWritten + alarmsSet) * PRICES_USD.row +
    openSeconds * PRICES_USD.second
  );
}
