/**
 * A tenant that floods: Echos and CallStarts on some sockets, far beyond its limits.
 *
 *     node bench/tenants/noise.ts ws://127.0.0.1:PORT/call-api?access_token=…
 *
 * Told on stdin, a line each: `RATE` messages a second in all, or `0` for as many as are answered, whatever is closed:
 * it answers `begun` when all its sockets are open. And `off`, which it answers, when all is answered, with a line of
 * {@link Noise} in JSON.
 * @module
 */
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { until } from '../until.ts';

/** What was sent since it was told to. */
export interface Noise {
  readonly sent: number;
  /** Answered with -32003. */
  readonly refused: number;
  /** Sockets that were closed under it: each was opened again as fast as it was let in. */
  readonly closed: number;
  readonly ms: number;
}

const SOCKETS = 4;
/** Unanswered messages on a socket at most. */
const WINDOW = 32;
/** Between two lots of a paced flood, in milliseconds. */
const LOT_MS = 5;

const ECHO = '{"jsonrpc":"2.0","id":1,"method":"Echo","params":{"said":"noise"}}';
const START =
  '{"jsonrpc":"2.0","id":1,"method":"CallStart","params":{"caller":"sip:keep.n@h.test","callee":"sip:bob.n@h.test"}}';

/** A socket that was closed, or was not let in, is tried again so soon, in milliseconds: who floods does not wait. */
const AGAIN_MS = 1;

const url = process.argv[2] ?? '';
let on = false;
let rate = 0;
let sent = 0;
let refused = 0;
let closed = 0;
let begun = 0;
/** Those that are open, and how many of their messages are unanswered. */
const waiting = new Map<WebSocket, number>();
let drained: (() => void) | undefined;

function send(socket: WebSocket): void {
  const open = waiting.get(socket);
  if (open === undefined || open >= WINDOW) return;
  waiting.set(socket, open + 1);
  sent += 1;
  socket.send(sent % 2 === 0 ? ECHO : START);
}

function sendAll(socket: WebSocket): void {
  for (let n = 0; n < WINDOW; n++) send(socket);
}

function settle(): void {
  if ([...waiting.values()].every((open) => open === 0)) drained?.();
}

function connect(): void {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on('open', () => {
    waiting.set(socket, 0);
    if (on && rate === 0) sendAll(socket);
  });
  socket.on('message', (data) => {
    const text = data.toString();
    if (!text.includes('"id":1')) return;
    if (text.includes('-32003')) refused += 1;
    waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
    if (on && rate === 0) send(socket);
    settle();
  });
  // Not let in: that is told by its close as well.
  socket.on('error', () => {});
  socket.on('close', () => {
    if (waiting.delete(socket)) closed += 1;
    settle();
    setTimeout(connect, AGAIN_MS);
  });
}

for (let n = 0; n < SOCKETS; n++) connect();
const allOpen = () => until('the noisy sockets', async () => waiting.size === SOCKETS);
await allOpen();

setInterval(() => {
  if (!on || rate === 0) return;
  const due = ((performance.now() - begun) / 1_000) * rate - sent;
  const sockets = [...waiting.keys()];
  for (let n = 0; n < due; n++) {
    const socket = sockets[n % sockets.length];
    if (socket) send(socket);
  }
}, LOT_MS);

process.stdout.write('ready\n');
for await (const line of createInterface(process.stdin)) {
  if (line !== 'off') {
    await allOpen();
    [on, rate, sent, refused, closed, begun] = [true, Number(line), 0, 0, 0, performance.now()];
    if (rate === 0) for (const socket of waiting.keys()) sendAll(socket);
    process.stdout.write('begun\n');
    continue;
  }
  on = false;
  const ms = performance.now() - begun;
  if ([...waiting.values()].some((open) => open > 0)) await new Promise<void>((done) => (drained = done));
  const noise: Noise = { sent, refused, closed, ms };
  process.stdout.write(`${JSON.stringify(noise)}\n`);
}
