/**
 * A tenant that floods: Echos and CallStarts on some sockets, far beyond its limits.
 *
 *     node bench/tenants/noise.ts ws://127.0.0.1:PORT/call-api?access_token=…
 *
 * Told on stdin, a line each: `RATE` messages a second in all, or `0` for as many as are answered; `off`, which it
 * answers on stdout, when all is answered, with a line of {@link Noise} in JSON.
 * @module
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

/** What was sent since it was told to. */
export interface Noise {
  readonly sent: number;
  /** Answered with -32003. */
  readonly refused: number;
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

const url = process.argv[2] ?? '';
const sockets = Array.from({ length: SOCKETS }, () => new WebSocket(url, { perMessageDeflate: false }));
await Promise.all(sockets.map((socket) => once(socket, 'open')));

let on = false;
let rate = 0;
let sent = 0;
let refused = 0;
let begun = 0;
const waiting = new Map(sockets.map((socket) => [socket, 0]));
let drained: (() => void) | undefined;

function send(socket: WebSocket): void {
  const open = waiting.get(socket) ?? 0;
  if (open >= WINDOW) return;
  waiting.set(socket, open + 1);
  sent += 1;
  socket.send(sent % 2 === 0 ? ECHO : START);
}

for (const socket of sockets) {
  socket.on('message', (data) => {
    const text = data.toString();
    if (!text.includes('"id":1')) return;
    if (text.includes('-32003')) refused += 1;
    waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
    if (on && rate === 0) send(socket);
    if ([...waiting.values()].every((open) => open === 0)) drained?.();
  });
}

setInterval(() => {
  if (!on || rate === 0) return;
  const due = ((performance.now() - begun) / 1_000) * rate - sent;
  for (let n = 0; n < due; n++)
    for (const socket of sockets.slice(n % SOCKETS, (n % SOCKETS) + 1)) send(socket);
}, LOT_MS);

process.stdout.write('ready\n');
for await (const line of createInterface(process.stdin)) {
  if (line !== 'off') {
    [on, rate, sent, refused, begun] = [true, Number(line), 0, 0, performance.now()];
    if (rate === 0) for (const socket of sockets) for (let n = 0; n < WINDOW; n++) send(socket);
    continue;
  }
  on = false;
  const ms = performance.now() - begun;
  if ([...waiting.values()].some((open) => open > 0)) await new Promise<void>((done) => (drained = done));
  const noise: Noise = { sent, refused, ms };
  process.stdout.write(`${JSON.stringify(noise)}\n`);
}
