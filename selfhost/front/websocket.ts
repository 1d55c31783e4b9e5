/** Joins the two ends of a WebSocket, and ends TCP once the edge has closed it. @module */
import type { Socket } from 'node:net';
import { CloseFrameFinder, closeFrame } from './close-frames.ts';

/**
 * How long a client may keep TCP open after the edge has closed its WebSocket, in milliseconds: time for its own Close
 * frame. workerd itself would wait for the client, or until the object hibernates.
 */
export const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Between the Close frame and the end of TCP, in milliseconds: the WebSocket of Node.js reports 1006 instead of the code if
 * both arrive together. With the end of TCP, no client waits for anything else.
 */
const END_DELAY_MS = 100;

/** What a client receives whose WebSocket the edge has not closed itself: "Service Restart" (IANA's registry of close codes). */
const RESTART_FRAME = closeFrame(1012, 'The edge has stopped. Reconnect after a random delay.');

/**
 * Passes bytes between a client and the edge until either ends. A client is told with a Close frame, even if the edge ends without one.
 * @param heads what has already arrived from the client and from the edge
 * @param onClosing called when the edge has closed the WebSocket or its connection, or when the returned function is called
 * @return a function that closes the WebSocket because the edge stops
 */
export function joinWebSocket(
  client: Socket,
  edge: Socket,
  heads: { readonly client: Uint8Array; readonly edge: Uint8Array },
  onClosing: () => void,
): () => void {
  const frames = new CloseFrameFinder();
  let isClosing = false;
  const startClosing = () => {
    if (isClosing) return;
    isClosing = true;
    edge.unpipe(client);
    edge.resume();
    // Within a frame, it would be taken for a part of that.
    if (frames.isBetweenFrames && !frames.isFound) client.write(RESTART_FRAME);
    setTimeout(() => client.end(), END_DELAY_MS).unref();
    setTimeout(() => client.destroy(), CLOSE_TIMEOUT_MS).unref();
    onClosing();
  };
  edge.unshift(heads.edge);
  client.unshift(heads.client);
  edge.pipe(client, { end: false });
  client.pipe(edge);
  // After `pipe`, so that the client has been given these bytes.
  edge.on('data', (chunk: Buffer) => {
    if (!isClosing && frames.read(chunk)) startClosing();
  });
  edge.on('close', startClosing);
  client.on('end', () => {
    if (isClosing) client.destroy();
  });
  client.on('close', () => edge.destroySoon());
  // 'close' follows.
  for (const socket of [client, edge]) socket.on('error', () => {});
  return startClosing;
}
