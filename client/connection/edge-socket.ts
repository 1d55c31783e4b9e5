/** One WebSocket to the edge, with a heartbeat that detects a dead network, and with the closes that the edge announces. @module */
import { announcedCloseCode } from './messages.ts';
import type { Platform, Socket, SocketEvents } from './platform.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** After this long without a frame, the client sends a ping. */
export const PING_INTERVAL_MS = 10_000;
/** If then no frame arrives for this long, the socket is dead, whatever state the system reports. */
export const PONG_TIMEOUT_MS = 5_000;
/** The platform answers these without waking the object: `PING` and `PONG` of `shared/protocol/link.ts`. */
export const PING = 'ping';
export const PONG = 'pong';

export interface EdgeSocket extends Socket {
  /** Sends a ping and waits for any frame. */
  ping(): void;
  /** Closes the socket. No event follows: on a dead network the close event takes minutes. */
  close(): void;
}

interface EdgeSocketEvents extends Omit<SocketEvents, 'onClose'> {
  /** @param code the close code; undefined if no frame arrived in time */
  readonly onClose: (code?: number) => void;
}

export function openEdgeSocket(
  platform: Platform,
  url: string,
  protocols: string[],
  { onOpen, onMessage, onClose }: EdgeSocketEvents,
): EdgeSocket {
  let isClosed = false;
  let cancelTimer = () => {};
  const startTimer = (ms: number, callback: () => void) => {
    cancelTimer();
    cancelTimer = platform.setTimer(ms, callback);
  };
  const ping = () => {
    socket.send(PING);
    startTimer(PONG_TIMEOUT_MS, onClose);
  };
  const restartHeartbeat = () => startTimer(PING_INTERVAL_MS, ping);

  const socket = platform.openSocket(url, protocols, {
    onOpen: () => {
      if (isClosed) return;
      restartHeartbeat();
      onOpen();
    },
    onMessage: (text) => {
      if (isClosed) return;
      restartHeartbeat();
      const code = announcedCloseCode(text);
      // The close event of the platform may follow only when TCP ends, many seconds later.
      if (code !== undefined) onClose(code);
      else onMessage(text);
    },
    onClose: (code) => {
      if (!isClosed) onClose(code);
    },
  });
  startTimer(CONNECT_TIMEOUT_MS, onClose);
  return {
    send: (text) => socket.send(text),
    ping,
    close: () => {
      isClosed = true;
      cancelTimer();
      socket.close();
    },
  };
}
