/** The times of an MI request, in milliseconds. @module */

export interface RequestTimeouts {
  /** For the response, from when the request is sent. */
  readonly timeoutMs: number;
  /** In total, from now on. A request that has waited this long for a socket is not sent. */
  readonly ttlMs: number;
  /** Until it is sent, from now on. Default: `ttlMs`. */
  readonly sendWithinMs?: number;
}
