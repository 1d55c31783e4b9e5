/**
 * The process of the victim, a client of another tenant: sends a request every 20 ms, by turns an Echo and a CallList, and watches its
 * calls. After each command `measure` it reports on the time since the last one. Started by `forked.ts`.
 * @module
 */
import { WebSocket } from 'ws';
import type { ForkMessage } from './forked.ts';

export interface VictimTask {
  readonly port: number;
  /** The keys of clients that must not be disconnected; the first one sends. */
  readonly keys: readonly string[];
}

export interface VictimReport {
  /** How long each request took, in milliseconds; a request without an answer counts until now. */
  readonly latencies: readonly number[];
  readonly errors: number;
  /** Clients that were disconnected. */
  readonly disconnected: number;
  /** How long a new client took to connect just now, in milliseconds; null if it did not within ten seconds. */
  readonly connectMs: number | null;
}

const INTERVAL_MS = 20;
const CONNECT_TIMEOUT_MS = 10_000;

let latencies: number[] = [];
let errors = 0;
let disconnected = 0;
const pending = new Map<number, number>();
let lastId = 0;

// However the parent ends, the victim ends with it.
process.once('disconnect', () => process.exit());
process.on('message', (message: ForkMessage<VictimTask>) => {
  if ('task' in message) void start(message.task);
  else void measure();
});

let connectAgain: () => Promise<number | null> = async () => null;

async function start({ port, keys }: VictimTask): Promise<void> {
  const url = (key: string) => `ws://127.0.0.1:${port}/call-api?access_token=${key}`;
  const sockets = keys.map((key) => new WebSocket(url(key), { perMessageDeflate: false }));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('open', resolve))));
  for (const socket of sockets) {
    socket.on('close', () => disconnected++);
    socket.on('error', () => {});
  }
  const [socket] = sockets;
  if (!socket) return;
  socket.on('message', (data: Buffer) => onMessage(data.toString()));
  const request = (method: string, params: object) => {
    if (socket.readyState !== socket.OPEN) return;
    const id = ++lastId;
    pending.set(id, performance.now());
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  };
  request('CallWatch', {});
  setInterval(() => {
    if (lastId % 2 === 0) request('Echo', { said: 'victim' });
    else request('CallList', { limit: 10 });
  }, INTERVAL_MS);
  connectAgain = () => timeConnect(url(keys[0] ?? ''));
  process.send?.('ready');
}

function onMessage(text: string): void {
  const id = Number(/"id":(\d+)/.exec(text)?.[1]);
  const sentAt = pending.get(id);
  if (sentAt === undefined) return;
  pending.delete(id);
  latencies.push(performance.now() - sentAt);
  if (text.includes('"error":')) errors++;
}

async function measure(): Promise<void> {
  const now = performance.now();
  for (const sentAt of pending.values()) latencies.push(now - sentAt);
  const report = { latencies, errors, disconnected };
  [latencies, errors, disconnected] = [[], 0, 0];
  process.send?.({ ...report, connectMs: await connectAgain() } satisfies VictimReport);
}

function timeConnect(url: string): Promise<number | null> {
  const startedAt = performance.now();
  const socket = new WebSocket(url, { perMessageDeflate: false });
  return new Promise((resolve) => {
    const end = (ms: number | null) => {
      clearTimeout(timer);
      socket.terminate();
      resolve(ms);
    };
    const timer = setTimeout(() => end(null), CONNECT_TIMEOUT_MS);
    socket.once('open', () => end(performance.now() - startedAt));
    socket.once('error', () => end(null));
  });
}
