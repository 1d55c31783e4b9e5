/** Notices that a connection to the edge is dead, although no socket of this machine says so. @module */
import type WebSocket from 'ws';
import { PING, PING_INTERVAL_MS } from '../../shared/protocol/link.ts';

/**
 * After a while without a message, sends a ping, to which the edge answers with `PONG`. Ends with the socket.
 * @param timeoutMs how long the edge may take to answer
 * @param onSilent is called once, if no message comes in that time
 */
export function startHeartbeat(socket: WebSocket, timeoutMs: number, onSilent: () => void): void {
  let timer: NodeJS.Timeout;
  const ping = () => {
    socket.send(PING);
    timer = setTimeout(onSilent, timeoutMs);
  };
  const restart = () => {
    clearTimeout(timer);
    timer = setTimeout(ping, Math.min(PING_INTERVAL_MS, timeoutMs));
  };
  restart();
  socket.on('message', restart);
  socket.once('close', () => {
    socket.off('message', restart);
    clearTimeout(timer);
  });
}
