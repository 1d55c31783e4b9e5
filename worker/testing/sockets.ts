/** WebSockets to the Worker under test, read frame by frame. @module */
import { exports } from 'cloudflare:workers';

/** A socket with its frames in a queue. */
export interface TestSocket {
  readonly closed: Promise<{ code: number; reason: string }>;
  send(frame: string | ArrayBuffer): void;
  /** The next frame, parsed. Rejects when the socket closes first. */
  next<T>(): Promise<T>;
  close(): void;
}

/** Asks for an upgrade, as a browser or an adapter does. */
export function upgrade(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const url = `http://localhost${path}`;
  return exports.default.fetch(
    new Request(url, { headers: { Upgrade: 'websocket', Host: 'localhost', ...headers } }),
  );
}

/** Opens a socket; throws with the answer where there is none. */
export async function open(path: string, headers: Record<string, string> = {}): Promise<TestSocket> {
  return taken(await upgrade(path, headers));
}

/** The socket that an upgrade was answered with; throws with the answer where there is none. */
export async function taken(response: Response): Promise<TestSocket> {
  const socket = response.webSocket;
  if (!socket) throw new Error(`no upgrade: ${response.status} ${await response.text()}`);
  const frames: string[] = [];
  const waiting: { resolve: (frame: string) => void; reject: (error: Error) => void }[] = [];
  const { promise: closed, resolve: tellClosed } = Promise.withResolvers<{ code: number; reason: string }>();
  socket.addEventListener('message', ({ data }) => {
    const frame = String(data);
    const waiter = waiting.shift();
    if (waiter) waiter.resolve(frame);
    else frames.push(frame);
  });
  socket.addEventListener('close', ({ code, reason }) => {
    tellClosed({ code, reason });
    for (const { reject } of waiting.splice(0)) reject(new Error(`closed: ${code} ${reason}`));
  });
  socket.accept();
  return {
    closed,
    send: (frame) => socket.send(frame),
    next: async <T>() => {
      const ready = frames.shift();
      const frame =
        ready ?? (await new Promise<string>((resolve, reject) => waiting.push({ resolve, reject })));
      return JSON.parse(frame) as T;
    },
    close: () => socket.close(1000, 'done'),
  };
}
