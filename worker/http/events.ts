/**
 * `GET /v1/events`: what is told to a socket from the site's object goes on as Server-Sent Events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). The stream ends here in the Worker: held by the
 * object, it would keep that awake.
 * @module
 */

/** Milliseconds between comments that say nothing but that the stream stands: proxies cut what is silent for 30 s. */
const ALIVE_MS = 15_000;

/** Bytes that wait for a slow reader, at most: who falls behind further is cut off, and comes back to what it missed. */
const BEHIND = 8_388_608;

/** Milliseconds after which a browser comes back, of its own each, so that not all come at once. */
const BACK_MS = { least: 500, most: 2_000 };

/** Streams what is told to that socket until either end closes. */
export function eventStream(socket: WebSocket): Response {
  const bytes = new TextEncoder();
  let alive: ReturnType<typeof setInterval> | undefined;
  let isOver = false;
  /** Once only, whichever end closes first. */
  const end = (how: () => void) => {
    if (isOver) return;
    isOver = true;
    if (alive !== undefined) clearInterval(alive);
    how();
  };
  const leave = () => socket.close(1000, 'the stream has ended');
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const say = (text: string) => {
          if (isOver) return;
          controller.enqueue(bytes.encode(text));
          if ((controller.desiredSize ?? 0) > 0) return;
          end(() => {
            controller.error(new Error('too slow a reader'));
            leave();
          });
        };
        const back = BACK_MS.least + Math.random() * (BACK_MS.most - BACK_MS.least);
        say(`retry: ${Math.round(back)}\n\n`);
        alive = setInterval(() => say(':\n\n'), ALIVE_MS);
        socket.addEventListener('message', ({ data }) => say(eventsOf(String(data))));
        socket.addEventListener('close', () => end(() => controller.close()));
        socket.addEventListener('error', () => end(() => controller.error(new Error('the site is gone'))));
        socket.accept();
      },
      cancel: () => end(leave),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BEHIND }),
  );
  return new Response(body, {
    // nginx would gather it.
    headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' },
  });
}

/** A frame as events: each notification by itself, with its number as the id where it has one. */
export function eventsOf(frame: string): string {
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
