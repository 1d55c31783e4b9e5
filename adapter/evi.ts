/**
 * The socket on which OpenSIPS's events arrive: UDP, without number, time or second try.
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { EviEvent } from '../shared/evi.ts';
import { decodeEvent } from './event-message.ts';
import type { Log } from './log.ts';
import type { Address } from './settings.ts';

/**
 * Bytes asked of the kernel for events that wait for us; what does not fit is lost. Linux grants twice as
 * much and counts some 1,280 to an event, so 6,500 events fit (measured with 40,000 at once).
 */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** An open event socket. */
export interface EventSocket {
  /** Where OpenSIPS is to send events. */
  readonly address: Address;
  /** Events are taken from this IPv4 address only; of its port nothing is known, OpenSIPS picks any. */
  takeFrom(host: string): void;
  close(): void;
}

/**
 * Opens the socket at `local`, port 0 being any free one, and hands each event to `onEvent`. What comes from
 * elsewhere or cannot be read is logged and dropped. Rejects where the address is taken or not this machine's.
 */
export async function openEventSocket(
  local: Address,
  from: string,
  onEvent: (event: EviEvent) => void,
  log: Log,
): Promise<EventSocket> {
  let source = from;
  const strangers = new Set<string>();
  let unreadable = 0;
  const socket = createSocket('udp4');
  socket.on('message', (datagram, sender) => {
    if (sender.address !== source) {
      // Told once for each, for whoever knocks could fill the log.
      if (strangers.size < 100 && !strangers.has(sender.address)) {
        strangers.add(sender.address);
        log.warn(
          { from: sender.address, expected: source },
          "event ignored: it does not come from OpenSIPS's address",
        );
      }
      return;
    }
    const decoded = decodeEvent(datagram.toString());
    if ('event' in decoded) {
      onEvent(decoded.event);
      return;
    }
    unreadable += 1;
    log.warn({ problem: decoded.problem, unreadable }, 'event dropped: it cannot be read');
  });
  socket.bind(local.port, local.host);
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', (error) => log.error({ err: error }, 'the event socket failed'));
  const { address: host, port } = socket.address();
  const granted = enlarge(socket);
  const facts = { listen: `${host}:${port}`, bytes: granted };
  if (granted >= RECEIVE_BUFFER) log.info(facts, 'listening for events');
  else log.warn(facts, `small event buffer: allow more with sysctl -w net.core.rmem_max=${RECEIVE_BUFFER}`);
  return {
    address: { host, port },
    takeFrom(host) {
      source = host;
    },
    close() {
      socket.close();
    },
  };
}

/** Asks for the receive buffer and tells what the kernel granted, in bytes (Linux says twice of it). */
function enlarge(socket: ReturnType<typeof createSocket>): number {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER);
  } catch {
    // Some kernels refuse what they could cut; the default stays.
  }
  return socket.getRecvBufferSize();
}

/** The local IPv4 address from which datagrams reach `remote`, so that answers come back to it. */
export async function localAddressTowards(remote: Address): Promise<string> {
  const socket = createSocket('udp4');
  try {
    // Connecting a UDP socket sends nothing; it makes the kernel choose the route.
    socket.connect(remote.port, remote.host);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}
