/**
 * A tenant that floods: it sends Echos and CallStarts on several sockets, far beyond its limits.
 *
 *     node bench/neighbors/flood.ts ws://127.0.0.1:PORT/call-api?access_token=…
 *
 * It reads commands from stdin, one per line. `RATE` starts a flood of that many messages per second in total, or `0` of
 * as many as are answered, even if sockets are closed. The reply is `started`, once all sockets are open. `stop` stops the
 * flood. The reply is a {@link FloodReport} as JSON, once all messages are answered.
 * @module
 */
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { waitUntil } from '../wait-until.ts';

/** Counts of one flood. */
export interface FloodReport {
  readonly sent: number;
  /** Messages answered with -32003. */
  readonly refused: number;
  /** Sockets that the edge closed. Each was reopened as soon as the edge accepted it. */
  readonly closed: number;
  readonly elapsedMs: number;
}

const SOCKETS = 4;
/** Maximum unanswered messages per socket. */
const MAX_UNANSWERED = 32;
/** Interval between two bursts of a flood with a rate. */
const BURST_INTERVAL_MS = 5;
/** Delay before a closed or refused socket is reopened: a client that floods does not back off. */
const RECONNECT_DELAY_MS = 1;

const ECHO = '{"jsonrpc":"2.0","id":1,"method":"Echo","params":{"said":"noise"}}';
const START =
  '{"jsonrpc":"2.0","id":1,"method":"CallStart","params":{"caller":"sip:keep.n@h.test","callee":"sip:bob.n@h.test"}}';

const url = process.argv[2] ?? '';
let isFlooding = false;
/** Messages per second; 0 for as many as are answered. */
let rate = 0;
let sent = 0;
let refused = 0;
let closed = 0;
let startedAt = 0;
/** Unanswered messages of each open socket. */
const unanswered = new Map<WebSocket, number>();
let onDrained: (() => void) | undefined;

function send(socket: WebSocket): void {
  const count = unanswered.get(socket);
  if (count === undefined || count >= MAX_UNANSWERED) return;
  unanswered.set(socket, count + 1);
  sent += 1;
  socket.send(sent % 2 === 0 ? ECHO : START);
}

function fillWindow(socket: WebSocket): void {
  for (let n = 0; n < MAX_UNANSWERED; n++) send(socket);
}

function isDrained(): boolean {
  return [...unanswered.values()].every((count) => count === 0);
}

function connect(): void {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on('open', () => {
    unanswered.set(socket, 0);
    if (isFlooding && rate === 0) fillWindow(socket);
  });
  socket.on('message', (bytes) => {
    const message = bytes.toString();
    if (!message.includes('"id":1')) return;
    if (message.includes('-32003')) refused += 1;
    unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1);
    if (isFlooding && rate === 0) send(socket);
    if (isDrained()) onDrained?.();
  });
  // A refused upgrade emits `close` too, which reconnects.
  socket.on('error', () => {});
  socket.on('close', () => {
    if (unanswered.delete(socket)) closed += 1;
    if (isDrained()) onDrained?.();
    setTimeout(connect, RECONNECT_DELAY_MS);
  });
}

for (let n = 0; n < SOCKETS; n++) connect();
const allOpen = () => waitUntil('the noisy sockets open', async () => unanswered.size === SOCKETS);
await allOpen();

setInterval(() => {
  if (!isFlooding || rate === 0) return;
  const due = ((performance.now() - startedAt) / 1_000) * rate - sent;
  const sockets = [...unanswered.keys()];
  for (let n = 0; n < due; n++) {
    const socket = sockets[n % sockets.length];
    if (socket) send(socket);
  }
}, BURST_INTERVAL_MS);

process.stdout.write('ready\n');
for await (const line of createInterface(process.stdin)) {
  if (line !== 'stop') {
    await allOpen();
    [isFlooding, rate, sent, refused, closed, startedAt] = [true, Number(line), 0, 0, 0, performance.now()];
    if (rate === 0) for (const socket of unanswered.keys()) fillWindow(socket);
    process.stdout.write('started\n');
    continue;
  }
  isFlooding = false;
  const elapsedMs = performance.now() - startedAt;
  if (!isDrained()) await new Promise<void>((resolve) => (onDrained = resolve));
  const report: FloodReport = { sent, refused, closed, elapsedMs };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
