/**
 * `GET /v1/events`: sends the notifications of a socket from the site's object as Server-Sent Events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). The stream ends here in the Worker: if the object
 * held it, it would stay awake.
 * @module
 */

/** The interval of empty comments that keep the stream open, in milliseconds: proxies close one that is silent for 30 s. */
const KEEPALIVE_INTERVAL_MS = 15_000;

/** How many bytes wait for a slow reader. One that falls further behind is disconnected, and resumes. */
const MAX_BUFFERED_BYTES = 8_388_608;

/** When a browser reconnects, in milliseconds. Each stream gets a random value, so that not all reconnect at once. */
const RECONNECT_DELAY_MS = { min: 500, max: 2_000 };

/** Streams the notifications of a socket until either end closes. */
export function streamEvents(socket: WebSocket): Response {
  const encoder = new TextEncoder();
  let keepalive: ReturnType<typeof setInterval> | undefined;
  let hasEnded = false;
  /** Runs once, whichever end closes first. */
  const end = (close: () => void) => {
    if (hasEnded) return;
    hasEnded = true;
    if (keepalive !== undefined) clearInterval(keepalive);
    close();
  };
  const closeSocket = () => socket.close(1000, 'The stream has ended.');
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string) => {
          if (hasEnded) return;
          controller.enqueue(encoder.encode(text));
          if ((controller.desiredSize ?? 0) > 0) return;
          end(() => {
            controller.error(new Error('The reader is too slow.'));
            closeSocket();
          });
        };
        const { min, max } = RECONNECT_DELAY_MS;
        send(`retry: ${Math.round(min + Math.random() * (max - min))}\n\n`);
        keepalive = setInterval(() => send(':\n\n'), KEEPALIVE_INTERVAL_MS);
        socket.addEventListener('message', ({ data }) => send(toServerSentEvents(String(data))));
        socket.addEventListener('close', () => end(() => controller.close()));
        socket.addEventListener('error', () =>
          end(() => controller.error(new Error('The connection to the site has failed.'))),
        );
        socket.accept();
      },
      cancel: () => end(closeSocket),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_BUFFERED_BYTES }),
  );
  return new Response(body, {
    // Without X-Accel-Buffering, nginx would buffer the stream.
    headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' },
  });
}

/** Converts a frame to events: one per notification, with its `seq` as the id where it has one. */
export function toServerSentEvents(frame: string): string {
  const notifications = [JSON.parse(frame) as Notification | Notification[]].flat();
  return notifications
    .map((notification) => {
      const { seq } = notification.params;
      const id = seq === undefined ? '' : `id: ${seq}\n`;
      return `${id}data: ${JSON.stringify(notification)}\n\n`;
    })
    .join('');
}

interface Notification {
  readonly params: { readonly seq?: number };
}
