/** Event subscriptions (`event_subscribe`), measured on OpenSIPS 3.6.8. @module */

/** The reply of `events_list` in trace `about`: the index is the event's id. */
export const EVENT_NAMES = [
  'E_CORE_SR_STATUS_CHANGED',
  'E_CORE_THRESHOLD',
  'E_CORE_SHM_THRESHOLD',
  'E_CORE_PKG_THRESHOLD',
  'E_CORE_PROC_AUTO_SCALE',
  'E_CORE_TCP_DISCONNECT',
  'E_UL_AOR_INSERT',
  'E_UL_AOR_DELETE',
  'E_UL_CONTACT_INSERT',
  'E_UL_CONTACT_UPDATE',
  'E_UL_CONTACT_DELETE',
  'E_UL_CONTACT_REFRESH',
  'E_UL_LATENCY_UPDATE',
  'E_DLG_STATE_CHANGED',
  'E_CALL_TRANSFER',
  'E_CALL_HOLD',
  'E_CORE_LOG',
] as const;

/** Events that a routing script may raise by itself: it has refused an INVITE, and a phone has hung up. */
export const SCRIPT_EVENT_NAMES = ['E_CALL_REFUSED', 'E_CALL_BYE'] as const;

export type EventName = (typeof EVENT_NAMES)[number] | (typeof SCRIPT_EVENT_NAMES)[number];

/** The subscription of one socket to one event. */
export type Subscriber = {
  /** The socket as requested: `udp:127.0.0.1:5061`. */
  readonly socket: string;
  readonly host: string;
  readonly port: number;
  /** The requested lifetime. */
  readonly expireSeconds: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
};

/** event_datagram takes IPv4 addresses only (OpenSIPS source). */
const SOCKET_PATTERN = /^udp:((?:\d{1,3}\.){3}\d{1,3}):(\d{1,5})$/;

/** The subscriptions to all events. They expire by the system clock. */
export class Subscriptions {
  readonly #byEvent = new Map<EventName, Map<string, Subscriber>>();

  /** Creates or renews a subscription; 0 seconds end it. Returns false if events cannot be sent to this socket. */
  subscribe(event: EventName, socket: string, expireSeconds: number): boolean {
    const [, host, port] = SOCKET_PATTERN.exec(socket) ?? [];
    if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return false;
    const subscribers = this.#byEvent.get(event) ?? new Map<string, Subscriber>();
    if (expireSeconds > 0) {
      subscribers.set(socket, {
        socket,
        host,
        port: Number(port),
        expireSeconds,
        expiresAt: Date.now() + expireSeconds * 1_000,
      });
    } else {
      subscribers.delete(socket);
    }
    this.#byEvent.set(event, subscribers);
    return true;
  }

  /** Returns the current subscribers of an event, and removes expired ones. */
  subscribersOf(event: EventName): readonly Subscriber[] {
    const subscribers = this.#byEvent.get(event);
    if (subscribers === undefined) return [];
    const now = Date.now();
    for (const { socket, expiresAt } of subscribers.values())
      if (expiresAt <= now) subscribers.delete(socket);
    return [...subscribers.values()];
  }

  clear(): void {
    this.#byEvent.clear();
  }
}
