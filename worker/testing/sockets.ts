/** WebSockets to the Worker under test, read frame by frame. @module */
import { exports } from 'cloudflare:workers';

/** A socket that queues its frames. */
export interface TestSocket {
  readonly closed: Promise<{ code: number; reason: string }>;
  send(frame: string | ArrayBuffer): void;
  /** Returns the next frame, parsed. Rejects where the socket closes first. */
  next<T>(): Promise<T>;
  /** Returns the next frame as it was sent. Rejects where the socket closes first. */
  nextText(): Promise<string>;
  close(): void;
}

/** Requests an upgrade, as a browser or an adapter does. */
export function requestUpgrade(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const url = `http://localhost${path}`;
  return exports.default.fetch(
    new Request(url, { headers: { Upgrade: 'websocket', Host: 'localhost', ...headers } }),
  );
}

/** Opens a socket. Throws with the response where there is no upgrade. */
export async function openSocket(path: string, headers: Record<string, string> = {}): Promise<TestSocket> {
  return acceptSocket(await requestUpgrade(path, headers));
}

/** Accepts the socket of an upgrade. Throws with the response where there is none. */
export async function acceptSocket(response: Response): Promise<TestSocket> {
  const socket = response.webSocket;
  if (!socket) throw new Error(`no upgrade: ${response.status} ${await response.text()}`);
  const frames: string[] = [];
  const readers: { resolve: (frame: string) => void; reject: (error: Error) => void }[] = [];
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<{
    code: number;
    reason: string;
  }>();
  socket.addEventListener('message', ({ data }) => {
    const frame = String(data);
    const reader = readers.shift();
    if (reader) reader.resolve(frame);
    else frames.push(frame);
  });
  socket.addEventListener('close', ({ code, reason }) => {
    resolveClosed({ code, reason });
    for (const { reject } of readers.splice(0)) reject(new Error(`closed: ${code} ${reason}`));
  });
  socket.accept();
  const nextText = async () =>
    frames.shift() ?? new Promise<string>((resolve, reject) => readers.push({ resolve, reject }));
  return {
    closed,
    send: (frame) => socket.send(frame),
    next: async <T>() => JSON.parse(await nextText()) as T,
    nextText,
    close: () => socket.close(1000, 'done'),
  };
}
