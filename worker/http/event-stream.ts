/**
 * `GET /v1/events`: sends the notifications of a socket from the site's object as Server-Sent Events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). The stream ends here in the Worker: if the object
 * held it, it would stay awake.
 *
 * The object sends no more than the reader may leave unread, because its tokens are returned when the reader has taken what came before
 * them.
 * @module
 */
import { parseJson } from '../../shared/protocol/exact-json.ts';
import { notification as rpcNotification } from '../../shared/protocol/rpc/jsonrpc.ts';
import { ACKNOWLEDGE } from '../../shared/protocol/rpc/service-methods.ts';
import { streamBuffers } from './stream-buffers.ts';

/** The interval of empty comments that keep the stream open, in milliseconds: proxies close one that is silent for 30 s. */
const KEEPALIVE_INTERVAL_MS = 15_000;

/** When a browser reconnects, in milliseconds. Each stream gets a random value, so that not all reconnect at once. */
const RECONNECT_DELAY_MS = { min: 500, max: 2_000 };

/** A token of the object, and how many bytes the reader must have taken before it is returned. */
interface PendingToken {
  readonly token: string;
  readonly afterBytes: number;
}

/**
 * Streams the notifications of a socket until either end closes.
 * @param maxUnread bytes that wait for a slow reader; one that falls further behind is disconnected, and resumes
 */
export function streamEvents(socket: WebSocket, maxUnread: number): Response {
  const encoder = new TextEncoder();
  const buffer = streamBuffers.open();
  let keepalive: ReturnType<typeof setInterval> | undefined;
  let hasEnded = false;
  /** The bytes that have been put into the stream. */
  let written = 0;
  const tokens: PendingToken[] = [];
  /** Runs once, whichever end closes first. */
  const end = (close: () => void) => {
    if (hasEnded) return;
    hasEnded = true;
    if (keepalive !== undefined) clearInterval(keepalive);
    buffer.close();
    close();
  };
  const closeSocket = () => socket.close(1000, 'The stream has ended.');
  const unreadOf = ({ desiredSize }: ReadableStreamDefaultController) => maxUnread - (desiredSize ?? 0);
  const onTaken = (controller: ReadableStreamDefaultController) => {
    const unread = unreadOf(controller);
    buffer.set(unread);
    while (tokens[0] && tokens[0].afterBytes <= written - unread) {
      const { token } = tokens[0];
      tokens.shift();
      socket.send(JSON.stringify(rpcNotification(ACKNOWLEDGE, { token })));
    }
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string) => {
          if (hasEnded) return;
          if (unreadOf(controller) > maxUnread || buffer.isOverBudget) {
            end(() => {
              controller.error(new Error('The reader is too slow.'));
              closeSocket();
            });
            return;
          }
          const bytes = encoder.encode(text);
          written += bytes.length;
          controller.enqueue(bytes);
          buffer.set(unreadOf(controller));
        };
        const onMessage = (frame: string) => {
          const token = tokenIn(frame);
          if (token === undefined) send(toServerSentEvents(frame));
          else {
            tokens.push({ token, afterBytes: written });
            onTaken(controller);
          }
        };
        const { min, max } = RECONNECT_DELAY_MS;
        send(`retry: ${Math.round(min + Math.random() * (max - min))}\n\n`);
        keepalive = setInterval(() => send(':\n\n'), KEEPALIVE_INTERVAL_MS);
        socket.addEventListener('message', ({ data }) => {
          if (!hasEnded) onMessage(String(data));
        });
        socket.addEventListener('close', () => end(() => controller.close()));
        socket.addEventListener('error', () =>
          end(() => controller.error(new Error('The connection to the site has failed.'))),
        );
        socket.accept();
      },
      // Called whenever the reader has taken something and the stream has room.
      pull: (controller) => {
        if (!hasEnded) onTaken(controller);
      },
      cancel: () => end(closeSocket),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxUnread }),
  );
  return new Response(body, {
    // Without X-Accel-Buffering, nginx would buffer the stream.
    headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' },
  });
}

/** Converts a frame to events: one per notification, with its `seq` as the id where it has one. */
export function toServerSentEvents(frame: string): string {
  const notifications = [parseJson(frame) as Notification | Notification[]].flat();
  return notifications
    .map((notification) => {
      const { seq } = notification.params;
      const id = seq === undefined ? '' : `id: ${seq}\n`;
      return `${id}data: ${JSON.stringify(notification)}\n\n`;
    })
    .join('');
}

/** Returns the token in a frame of the object that asks for it; undefined for a frame for the reader. */
function tokenIn(frame: string): string | undefined {
  if (!frame.startsWith(`{"jsonrpc":"2.0","method":"${ACKNOWLEDGE}"`)) return undefined;
  const { params } = JSON.parse(frame) as { readonly params: { readonly token: string } };
  return params.token;
}

interface Notification {
  readonly params: { readonly seq?: number };
}
