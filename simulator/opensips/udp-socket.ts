/** Bound UDP sockets. @module */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

/**
 * Binds a socket with the receive buffer of the system's default, which is what OpenSIPS's mi_datagram has too: what does not fit
 * is lost. Resolves when the socket is bound; rejects if it cannot be, as when the port is in use. Port 0 is any free port.
 */
export function bindUdp(
  { host, port }: { host: string; port: number },
  onDatagram: (text: string, from: RemoteInfo) => void,
): Promise<Socket> {
  const socket = createSocket('udp4', (bytes, from) => onDatagram(bytes.toString(), from));
  return new Promise((resolve, reject) => {
    const onBindError = (error: Error) => socket.close(() => reject(error));
    socket.once('error', onBindError);
    socket.bind(port, host, () => {
      socket.off('error', onBindError);
      // A peer that no longer exists (ICMP port unreachable) must not end the simulator.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** Resolves when the socket is closed. */
export const closeUdp = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.close(() => resolve()));
