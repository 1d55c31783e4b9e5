/**
 * Connects, watches, aborts and closes many times, and counts what is left. `npm run test:client-cycles` does it 10,000
 * times, and judges the memory as well.
 */
import { EventEmitter, getEventListeners, once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer, WebSocket as WsSocket } from 'ws';
import { Queue } from '../api/queue.ts';
import { Connection } from '../connection/connection.ts';
import { PING, PONG } from '../connection/edge-socket.ts';
import { type ConnectOptions, connect } from '../index.ts';

const SHORT_CYCLES = 300;
const CYCLES = Number(process.env['CLIENT_CYCLES'] ?? SHORT_CYCLES);
const isLong = CYCLES > SHORT_CYCLES;
/** Cycles at the same time. Most of the time of one is spent waiting for a reconnect. */
const CONCURRENCY = isLong ? 80 : 20;
/** Enough for either form of the test on a busy machine. */
const TIMEOUT_MS = 60_000 + CYCLES * 120;

let server: WebSocketServer;
beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket, { url = '' }) => {
    // Some cycles lose their socket with a request under way, and repeat it in a session with a longer name.
    const isRepeated = new URL(url, 'ws://edge').searchParams.get('session')?.startsWith('lost.');
    socket.on('message', (data) => {
      const text = String(data);
      // On a busy machine a cycle takes longer than a client is silent.
      if (text === PING) return socket.send(PONG);
      const { id, method, params } = JSON.parse(text) as {
        readonly id: string;
        readonly method: string;
        readonly params: { readonly cmd_id?: string; readonly mode?: string };
      };
      const send = (message: object) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
      if (method === 'CallWatch') send({ id, result: { calls: [], seq: 1, link: 'Up', cursor: '1' } });
      else if (params.mode === 'lose') {
        if (isRepeated) send({ id, error: { code: -32003, message: 'Too many', data: { retry_after: 30 } } });
        else socket.terminate();
      } else if (params.mode === 'run') {
        send({ id, result: {} });
        send({ method, params: { cmd_id: params.cmd_id, event: 'Reply', seq: 2, data: {} } });
        send({ method, params: { cmd_id: params.cmd_id, event: 'Ended', seq: 3 } });
      }
    });
  });
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
});

/** Returns how many handles and timers this process has. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const resource of process.getActiveResourcesInfo())
    if (resource !== 'Immediate') counts[resource] = (counts[resource] ?? 0) + 1;
  return counts;
}

/** Connects. `opened` resolves when as many sockets have opened. */
function open(options: ConnectOptions) {
  const states = new EventEmitter();
  let sockets = 0;
  const api = connect({
    ...options,
    onState: ({ status }) => {
      if (status === 'open') sockets++;
      states.emit(status);
    },
  });
  const opened = async (wanted: number) => {
    while (sockets < wanted) await once(states, 'open');
  };
  return { api, opened };
}

/** The ways to end what a program does with a client. `lifelong` outlives all of them. */
const CYCLES_BY_END: readonly ((options: ConnectOptions, lifelong: AbortSignal) => Promise<void>)[] = [
  async (options) => {
    const { api } = open(options);
    const controller = new AbortController();
    const watch = api.watch({ signal: controller.signal })[Symbol.asyncIterator]();
    await watch.next();
    const next = watch.next();
    controller.abort();
    await next.catch(() => {});
    api.close();
  },
  async (options, lifelong) => {
    const { api } = open({ ...options, signal: lifelong });
    for await (const _ of api.watch({ signal: lifelong })) break;
    await api.echo({ mode: 'run' }, { signal: lifelong }).ended;
    api.close();
  },
  // Closed while it connects, with everything under way.
  async (options, signal) => {
    const { api } = open(options);
    const { ended } = api.echo({}, { signal });
    const watch = api.watch({ signal })[Symbol.asyncIterator]().next();
    const all = [ended, watch, api.calls.list({ signal }), api.request('Diagnose')];
    api.close();
    await Promise.allSettled(all);
  },
  async (options) => {
    const controller = new AbortController();
    const { api, opened } = open({ ...options, signal: controller.signal });
    const { ended } = api.echo({}, { signal: controller.signal });
    await opened(1);
    controller.abort();
    await ended.catch(() => {});
  },
  // Commands that were lost, and whose repetition a rate limit refuses.
  async (options, lifelong) => {
    const { api, opened } = open({ ...options, session: 'lost' });
    const controller = new AbortController();
    const commands = [lifelong, controller.signal].map((signal) => api.echo({ mode: 'lose' }, { signal }));
    await opened(2);
    // Answered after the others were refused.
    await api.echo({ mode: 'run' }).ended;
    controller.abort();
    api.close();
    await Promise.allSettled(commands.map(({ ended }) => ended));
  },
  // A token that never comes.
  async (options) => {
    const { api } = open({ ...options, getToken: () => new Promise(() => {}) });
    const { ended } = api.echo();
    api.close();
    await ended.catch(() => {});
  },
];

interface Memory {
  /** Bytes of objects after a garbage collection. */
  readonly heap: number;
  readonly rss: number;
}

/** What the client may keep of a cycle, which is nothing, with room for what the engine keeps of compiled code. */
const MAX_HEAP_GROWTH_BYTES = 4 * 1_048_576;
/**
 * The memory of the process grows to what the busiest moment needs, and the engine may not give it back. A leak would make it grow
 * in the second half as well: one of 10 KB a cycle by more than this.
 */
const MAX_RSS_GROWTH_BYTES = 48 * 1_048_576;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function measureMemory(): Memory {
  // What a finalizer has released goes with the second one.
  collectGarbage();
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

function report(name: string, { heap, rss }: Memory, counts: Readonly<Record<string, number>>): void {
  const inMb = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MB`;
  const handlesText = Object.entries(counts)
    .map(([type, count]) => `${count} ${type}`)
    .join(', ');
  process.stdout.write(`${name}: heap ${inMb(heap)}, RSS ${inMb(rss)}, ${handlesText}\n`);
}

async function runCycles(count: number, options: ConnectOptions, lifelong: AbortSignal): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await CYCLES_BY_END[next++ % CYCLES_BY_END.length]?.(options, lifelong);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, run));
}

/** Sockets take a moment to close at both ends. */
const CLOSE_CHECKS = 200;
const CLOSE_CHECK_INTERVAL_MS = 100;

/** Returns which handles there are more of than before, as soon as there are none, or else in the end. */
async function newHandles(before: Readonly<Record<string, number>>): Promise<string[]> {
  let more: string[] = [];
  for (let check = 0; check < CLOSE_CHECKS; check++) {
    const now = Object.entries(handles());
    more = now.flatMap(([name, count]) =>
      count > (before[name] ?? 0) ? [`${name}: ${count - (before[name] ?? 0)} more`] : [],
    );
    if (more.length === 0) break;
    await setTimeout(CLOSE_CHECK_INTERVAL_MS);
  }
  return more;
}

it.each([
  ['the platform', globalThis.WebSocket],
  ['ws', WsSocket],
])(
  `leaves no handle, timer, listener or object behind after ${CYCLES} cycles with the WebSocket of %s`,
  { timeout: TIMEOUT_MS },
  async (_, WebSocket) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server is not listening');
    const options: ConnectOptions = { url: `ws://127.0.0.1:${address.port}/call-api`, WebSocket };
    const lifelong = new AbortController().signal;
    // Memory is compared with that of a process that has done everything before.
    const before = handles();
    if (isLong) await runCycles(SHORT_CYCLES, options, lifelong);
    expect(await newHandles(before)).toEqual([]);
    const memoryBefore = measureMemory();
    if (isLong) report('before', memoryBefore, before);
    await runCycles(CYCLES / 2, options, lifelong);
    expect(await newHandles(before)).toEqual([]);
    const memoryHalfway = measureMemory();
    if (isLong) report(`after ${CYCLES / 2} cycles`, memoryHalfway, handles());
    await runCycles(CYCLES / 2, options, lifelong);
    expect(await newHandles(before)).toEqual([]);
    const memoryAfter = measureMemory();
    if (isLong) {
      report(`after ${CYCLES} cycles`, memoryAfter, handles());
      expect(memoryAfter.heap - memoryBefore.heap).toBeLessThan(MAX_HEAP_GROWTH_BYTES);
      expect(memoryAfter.rss - memoryHalfway.rss).toBeLessThan(MAX_RSS_GROWTH_BYTES);
    }
    // Whatever the client keeps is kept by one of these.
    expect(queryObjects(Connection, { format: 'count' })).toBe(0);
    expect(queryObjects(Queue, { format: 'count' })).toBe(0);
    expect(getEventListeners(lifelong, 'abort')).toEqual([]);
  },
);
