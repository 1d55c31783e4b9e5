/** The browser, as the connection needs it. @module */
import type { Socket, Surroundings } from '../../connection.ts';

/** Random bytes of a name: 128 bits, as those of a UUID, which only secure pages can make. */
const NAME_BYTES = 16;

export const browser: Surroundings = {
  open,
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  name: () =>
    Array.from(crypto.getRandomValues(new Uint8Array(NAME_BYTES)), (byte) =>
      byte.toString(16).padStart(2, '0'),
    ).join(''),
};

/** Its events, with no more of them than is looked at. */
function open(url: string, protocols: readonly string[]): Socket {
  const webSocket = new WebSocket(url, [...protocols]);
  const socket: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => webSocket.send(text),
    close: () => webSocket.close(),
  };
  webSocket.onopen = () => socket.onopen?.();
  webSocket.onmessage = ({ data }) => socket.onmessage?.({ data });
  webSocket.onclose = ({ code }) => socket.onclose?.({ code });
  return socket;
}
