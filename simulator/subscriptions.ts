/** Who is told which events, and until when (README, EVI points 1 and 2). */

/** The events of `events_list` in trace `about`, by id. */
export const EVENTS = [
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
/** An event that OpenSIPS knows. */
export type EventName = (typeof EVENTS)[number];

/** Whether OpenSIPS knows an event of this name. */
export const isEvent = (name: string): name is EventName => EVENTS.some((event) => event === name);

/** One who is told one event. */
export type Subscriber = {
  /** As it was asked for: `udp:127.0.0.1:5061`. */
  readonly socket: string;
  readonly host: string;
  readonly port: number;
  /** Seconds. */
  readonly expire: number;
  /** When it lapses, in milliseconds since 1970. */
  readonly until: number;
};

/** An IPv4 address and a port (README, EVI point 1). */
const SOCKET = /^udp:((?:\d{1,3}\.){3}\d{1,3}):(\d{1,5})$/;

/** Subscriptions of all events. Time is the system's clock. */
export class Subscriptions {
  readonly #byEvent = new Map<EventName, Map<string, Subscriber>>();

  /** Subscribes, renews, or ends (0 seconds). False where the socket is not one that events can be sent to. */
  set(event: EventName, socket: string, expire: number): boolean {
    const [, host, port] = SOCKET.exec(socket) ?? [];
    if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return false;
    const subscribers = this.#byEvent.get(event) ?? new Map<string, Subscriber>();
    if (expire > 0) {
      subscribers.set(socket, {
        socket,
        host,
        port: Number(port),
        expire,
        until: Date.now() + expire * 1_000,
      });
    } else {
      subscribers.delete(socket);
    }
    this.#byEvent.set(event, subscribers);
    return true;
  }

  /** Who is told this event now. Subscriptions that have lapsed are swept on the way. */
  of(event: EventName): readonly Subscriber[] {
    const subscribers = this.#byEvent.get(event);
    if (subscribers === undefined) return [];
    const now = Date.now();
    for (const { socket, until } of subscribers.values()) if (until <= now) subscribers.delete(socket);
    return [...subscribers.values()];
  }

  clear(): void {
    this.#byEvent.clear();
  }
}
