/**
 * The UDP socket that receives OpenSIPS's events. They carry no number and no time, and are never sent again.
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { EviEvent } from '../../shared/opensips/evi.ts';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import type { Log } from '../log.ts';
import type { Address } from '../settings.ts';
import { decodeEvent } from './event-message.ts';

/**
 * Requested size of the kernel's receive buffer; events that do not fit are lost. Linux grants twice as much and counts
 * some 1,280 bytes per event, so 6,500 events fit (measured with 40,000 at once).
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Addresses whose events are logged as ignored. */
const MAX_LOGGED_SENDERS = 100;

export interface EventSocket {
  /** Where OpenSIPS must send events. */
  readonly address: Address;
  /**
   * Sets the only IPv4 address from which events are accepted. The port is not checked, because OpenSIPS uses any. Undefined:
   * it is not known, so the first address that sends an event is taken for it.
   */
  acceptFrom(host: string | undefined): void;
  close(): void;
}

/**
 * Opens the socket and passes each event to `onEvent`. Datagrams from other addresses and unreadable ones are logged and
 * dropped. Rejects if the local address is in use or does not belong to this machine.
 * @param local port 0 means any free port
 * @param openSipsHost as in {@link EventSocket.acceptFrom}
 */
export async function openEventSocket(
  local: Address,
  openSipsHost: string | undefined,
  onEvent: (event: EviEvent) => void,
  log: Log,
): Promise<EventSocket> {
  let acceptedHost = openSipsHost;
  const loggedSenders = new Set<string>();
  let unreadableCount = 0;
  const socket = createSocket('udp4');
  socket.on('message', (datagram, sender) => {
    if (acceptedHost !== undefined && sender.address !== acceptedHost) {
      // Once per sender: otherwise anyone could fill the log.
      if (loggedSenders.size < MAX_LOGGED_SENDERS && !loggedSenders.has(sender.address)) {
        loggedSenders.add(sender.address);
        log.error(
          { from: sender.address, expected: acceptedHost },
          `Ignored an event from ${sender.address}: only OpenSIPS at ${acceptedHost} may send events.`,
        );
      }
      return;
    }
    const decoded = decodeEvent(datagram.toString());
    if ('event' in decoded) {
      if (acceptedHost === undefined) {
        acceptedHost = sender.address;
        log.info({ from: acceptedHost }, `Events are accepted from ${acceptedHost} only.`);
      }
      onEvent(decoded.event);
      return;
    }
    unreadableCount += 1;
    log.warn(
      { problem: decoded.problem, unreadable: unreadableCount },
      `Dropped an unreadable event: ${decoded.problem}.`,
    );
  });
  socket.bind(local.port, local.host);
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', (error) =>
    log.error(
      `The socket for events has failed: ${reasonOf(error)}. Restart the adapter if events are missing.`,
    ),
  );
  const { address: host, port } = socket.address();
  const grantedBytes = enlargeReceiveBuffer(socket);
  const fields = { listen: `${host}:${port}`, bytes: grantedBytes };
  if (grantedBytes >= RECEIVE_BUFFER_BYTES) {
    log.info(fields, 'Listening for events.');
  } else {
    log.warn(
      fields,
      `Listening for events with a small receive buffer, so bursts may be lost. Run sysctl -w net.core.rmem_max=${RECEIVE_BUFFER_BYTES} and restart the adapter.`,
    );
  }
  return {
    address: { host, port },
    acceptFrom(newHost) {
      acceptedHost = newHost;
    },
    close() {
      socket.close();
    },
  };
}

/** Requests the receive buffer and returns the bytes that the kernel granted (Linux reports twice the request). */
function enlargeReceiveBuffer(socket: ReturnType<typeof createSocket>): number {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // Some kernels refuse a size above their limit instead of granting less. The default size remains.
  }
  return socket.getRecvBufferSize();
}

/** Returns the local IPv4 address from which datagrams reach `remote`, so that `remote` can reach it too. */
export async function findLocalAddress(remote: Address): Promise<string> {
  const socket = createSocket('udp4');
  try {
    // Connecting a UDP socket sends nothing. It makes the kernel choose the route.
    socket.connect(remote.port, remote.host);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}
