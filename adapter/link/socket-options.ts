/** Options of the WebSocket to the edge, whichever side opens it. @module */

export const SOCKET_OPTIONS = {
  /** Size limit of a frame from the edge, in bytes: after a reconnect it repeats all requests that have no reply. */
  maxPayload: 16 * 1024 * 1024,
  /**
   * How long the end of TCP is awaited after the Close frame of the edge, in milliseconds. By default that is 30 s, in which
   * the site would be without its adapter: workerd may keep TCP open for longer. The types of `ws` lack this option.
   */
  closeTimeout: 500,
  /** Cloudflare does not offer compression. */
  perMessageDeflate: false,
};
