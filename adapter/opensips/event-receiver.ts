/** Receives OpenSIPS's events where OpenSIPS can reach this machine now: the address of a machine can change while it runs. @module */
import type { EviEvent } from '../../shared/opensips/evi.ts';
import type { Log } from '../log.ts';
import type { Address } from '../settings.ts';
import { type EventSocket, openEventSocket } from './event-socket.ts';
import { eventSenderOf, findEventAddress } from './host-address.ts';

interface Options {
  /** Where the user wants events to be received; undefined: where the route to OpenSIPS begins. */
  readonly events: Address | undefined;
  /** The name of that setting. */
  readonly eventsSetting: string;
  readonly onEvent: (event: EviEvent) => void;
  /** Called when the route to OpenSIPS begins at another local address than before. */
  readonly onRouteChange: () => void;
  readonly log: Log;
  /** Tests replace it. */
  readonly findAddress?: typeof findEventAddress;
}

export class EventReceiver {
  readonly #options: Options;
  #socket: EventSocket | undefined;
  /** The local address that was found last; undefined with a setting. */
  #host: string | undefined;
  #isStopped = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Accepts events only from an OpenSIPS at this address. */
  acceptFrom(opensipsHost: string): void {
    this.#socket?.acceptFrom(eventSenderOf(opensipsHost, this.#socket.address.host));
  }

  /** Returns the socket for events, and opens it if there is none at the right address. Rejects with a reason for the log. */
  async socketFor(opensips: Address): Promise<EventSocket> {
    const {
      events,
      eventsSetting,
      onEvent,
      onRouteChange,
      log,
      findAddress = findEventAddress,
    } = this.#options;
    if (events !== undefined && this.#socket !== undefined) return this.#socket;
    const local = events ?? (await findAddress(opensips, eventsSetting));
    if (this.#socket !== undefined && this.#host === local.host) return this.#socket;
    if (this.#socket !== undefined) {
      log.warn({ from: this.#host, to: local.host }, 'The route to OpenSIPS has changed.');
      this.#close();
      onRouteChange();
    }
    const socket = await openEventSocket(local, eventSenderOf(opensips.host, local.host), onEvent, log);
    if (this.#isStopped) {
      socket.close();
      throw new Error('the adapter stops');
    }
    this.#socket = socket;
    this.#host = local.host;
    return socket;
  }

  /** Closes the socket for good, also one that is being opened: {@link socketFor} rejects from now on. */
  stop(): void {
    this.#isStopped = true;
    this.#close();
  }

  #close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}
