/** A bound UDP socket. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

/** Room for what arrives while the simulator is busy, in bytes. The system may grant less. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** Resolves when the socket is bound; rejects where it cannot be, as when the port is taken. Port 0 is any. */
export function bindUdp(
  { host, port }: { host: string; port: number },
  onDatagram: (text: string, from: RemoteInfo) => void,
): Promise<Socket> {
  const socket = createSocket('udp4', (bytes, from) => onDatagram(bytes.toString(), from));
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => socket.close(() => reject(error));
    socket.once('error', fail);
    socket.bind(port, host, () => {
      socket.off('error', fail);
      // A peer that is gone must not end the simulator: UDP is sent and forgotten.
      socket.on('error', () => {});
      socket.setRecvBufferSize(RECEIVE_BUFFER);
      resolve(socket);
    });
  });
}

/** Resolves when the socket is closed. */
export const closeUdp = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.close(() => resolve()));
