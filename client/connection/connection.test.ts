/** Tests the connection with scripted sockets and a manual clock. */
import { expect, it } from 'vitest';
import * as link from '../../shared/protocol/link.ts';
import { RESEND_WINDOW_MS } from './active-commands.ts';
import type { Call } from './call.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { PING, PING_INTERVAL_MS, PONG, PONG_TIMEOUT_MS } from './edge-socket.ts';
import type { CommandUpdate } from './messages.ts';
import type { Socket, SocketEvents } from './platform.ts';

interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

class ScriptedSocket implements Socket {
  readonly sent: string[] = [];
  isClosed = false;
  readonly url: URL;
  readonly protocols: readonly string[];
  /** Tests call these to open and close the socket, and to send raw text. */
  readonly events: SocketEvents;

  constructor(url: string, protocols: readonly string[], events: SocketEvents) {
    this.url = new URL(url);
    this.protocols = protocols;
    this.events = events;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.isClosed = true;
  }

  get requests(): Request[] {
    return this.sent.filter((text) => text !== PING).map((text) => JSON.parse(text) as Request);
  }

  /** Returns the only request with that method; throws if there is none, or more than one. */
  onlyRequest(method: string): Request {
    const [request, second] = this.requests.filter((request) => request.method === method);
    if (!request || second) throw new Error(`expected one ${method} in ${this.sent.join(' ')}`);
    return request;
  }

  deliver(message: object): void {
    this.events.onMessage(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  respond({ id }: Request, result: object): void {
    this.deliver({ id, result });
  }

  notify(method: string, params: object): void {
    this.deliver({ method, params });
  }
}

function setUp({ token, closeOn }: { token?: string; closeOn?: ConnectionState['status'] } = {}) {
  const sockets: ScriptedSocket[] = [];
  const states: ConnectionState[] = [];
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  let now = 1_000_000;
  let ids = 0;
  const connection = new Connection(
    {
      url: 'ws://edge/call-api',
      onState: (state) => {
        states.push(state);
        if (state.status === closeOn) connection.close();
      },
      ...(token === undefined ? {} : { token }),
    },
    {
      openSocket: (url, protocols, events) => {
        const socket = new ScriptedSocket(url, protocols, events);
        sockets.push(socket);
        return socket;
      },
      now: () => now,
      setTimer: (ms, callback) => {
        const timer = { at: now + ms, callback };
        timers.add(timer);
        return () => timers.delete(timer);
      },
      random: () => 0.5,
      randomId: () => `id-${++ids}`,
    },
  );
  const advance = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      timers.delete(next);
      now = next.at;
      next.callback();
    }
    now = end;
  };
  const socket = () => {
    const last = sockets.at(-1);
    if (!last) throw new Error('no socket yet');
    return last;
  };
  const open = () => {
    socket().events.onOpen();
    return socket();
  };
  /** Loses the socket, advances the clock, and opens the next one. Returns it. */
  const reconnect = (ms = 1_000) => {
    socket().events.onClose(1006);
    advance(ms);
    if (states.at(-1)?.status === 'waiting') connection.retryNow();
    return open();
  };
  /** Returns the milliseconds until the next attempt. */
  const waitingTime = () => {
    const state = states.at(-1);
    if (state?.status !== 'waiting') throw new Error('the connection is not waiting');
    return state.until - now;
  };
  connection.connect();
  return { connection, sockets, states, socket, open, reconnect, advance, waitingTime };
}

const call = (callid: string, seq: number): Call => ({
  callid,
  state: 'ringing',
  caller: 'sip:a@x',
  callee: 'sip:b@x',
  origin: null,
  began: seq,
  seq,
});

/** Watches all calls. Returns a list that each callback adds a text to. */
function watchedTexts(connection: Connection): string[] {
  return beginWatch(connection).texts;
}

/** The same, with the function that ends the watch. */
function beginWatch(connection: Connection) {
  const texts: string[] = [];
  const unwatch = connection.watch({
    onSnapshot: (calls, fetchNextPage) => {
      texts.push(`snapshot: ${calls.map(({ callid }) => callid).join(' ')}`);
      fetchNextPage?.();
    },
    onSnapshotPage: (calls, fetchNextPage) => {
      texts.push(`page: ${calls.map(({ callid }) => callid).join(' ')}`);
      fetchNextPage?.();
    },
    onResumed: () => texts.push('resumed'),
    onCall: ({ callid }, event) => texts.push(`${callid} ${event}`),
    onLink: (isUp) => texts.push(isUp ? 'up' : 'down'),
    onRefused: ({ message }) => texts.push(`refused: ${message}`),
  });
  return { texts, unwatch };
}

it.each(['connecting', 'open', 'waiting'] as const)(
  'stays closed if it is closed in the callback of the state %s',
  (closeOn) => {
    const { sockets, states, advance } = setUp({ closeOn });
    sockets[0]?.events.onOpen();
    sockets[0]?.events.onClose(1006);
    advance(120_000);
    expect(states.at(-1)).toEqual({ status: 'closed', reason: 'requested' });
    expect(sockets.length).toBeLessThan(2);
    expect(sockets.every(({ isClosed }) => isClosed)).toBe(true);
  },
);

it.each(['a snapshot', 'a refusal'])('tells a watch that has ended nothing of %s that comes late', (late) => {
  const { connection, open } = setUp();
  const { texts, unwatch } = beginWatch(connection);
  const socket = open();
  const { id } = socket.onlyRequest('CallWatch');
  unwatch();
  if (late === 'a snapshot') socket.deliver({ id, result: { calls: [call('c', 1)], seq: 1, link: 'Up' } });
  else socket.deliver({ id, error: { code: -32002, message: 'Not allowed' } });
  socket.notify('Call', { event: 'Answered', seq: 2, call: call('c', 2) });
  expect(texts).toEqual([]);
});

it('waits a short time again after an edge has answered, and longer each time after one that never does', () => {
  const { connection, socket, open, waitingTime } = setUp();
  const waits: number[] = [];
  const lose = (hasAnswered: boolean) => {
    open();
    if (hasAnswered) socket().events.onMessage(PONG);
    socket().events.onClose(1006);
    waits.push(waitingTime());
    connection.retryNow();
  };
  for (const hasAnswered of [false, false, false, true, false]) lose(hasAnswered);
  // Half of the limits, which double: 0.5, 1, 2 s.
  expect(waits).toEqual([250, 500, 1_000, 250, 500]);
});

it('uses the ping and pong that the platform answers', () => {
  expect([PING, PONG]).toEqual([link.PING, link.PONG]);
});

it('sends a token as a subprotocol, never in the URL', () => {
  const { socket } = setUp({ token: 'secret' });
  expect(socket().protocols).toEqual(['call-api.v1', 'call-api.token.secret']);
  expect(socket().url.href).not.toContain('secret');
});

it('sends a command whose response was lost again with the same cmd_id', () => {
  const { connection, open, reconnect } = setUp();
  const events: string[] = [];
  const first = open();
  const cmdId = connection.run('CallStart', { caller: 'sip:a@x' }, ({ event }) => events.push(event));
  expect(first.onlyRequest('CallStart').params).toEqual({ caller: 'sip:a@x', cmd_id: cmdId });
  const second = reconnect();
  expect(second.onlyRequest('CallStart').params).toEqual({ caller: 'sip:a@x', cmd_id: cmdId });
  second.respond(second.onlyRequest('CallStart'), { cmd_id: cmdId, event: 'Started', replayed: true });
  expect(events).toEqual(['Started']);
});

it('does not send a command again after the resend window, because it might run twice', () => {
  const { connection, open, reconnect } = setUp();
  const events: string[] = [];
  open();
  connection.run('CallStart', {}, ({ event }) => events.push(event));
  const second = reconnect(RESEND_WINDOW_MS + 1);
  expect(second.requests).toEqual([]);
  expect(events).toEqual(['Lost']);
});

it('sends many commands again at a rate that the edge allows', () => {
  const { connection, open, reconnect, advance } = setUp();
  open();
  for (let n = 0; n < 200; n++) connection.run('Echo', { n }, () => {});
  const second = reconnect(500);
  expect(second.requests).toHaveLength(50);
  advance(1_000);
  expect(second.requests).toHaveLength(91);
  advance(5_000);
  expect(second.requests.map(({ params }) => params['n'])).toEqual(Array.from({ length: 200 }, (_, n) => n));
});

it('resumes a session from its last notification, and delivers nothing twice', () => {
  const { connection, open, reconnect } = setUp();
  const updates: CommandUpdate[] = [];
  const first = open();
  const cmdId = connection.run('CallStart', {}, (update) => updates.push(update));
  first.respond(first.onlyRequest('CallStart'), {});
  first.notify('CallStart', { cmd_id: cmdId, event: 'CallerRinging', seq: 41 });
  const second = reconnect();
  expect(second.url.searchParams.get('since')).toBe('41');
  expect(second.url.searchParams.get('session')).toBe(first.url.searchParams.get('session'));
  expect(second.requests).toEqual([]);
  second.notify('CallStart', { cmd_id: cmdId, event: 'CallerRinging', seq: 41 });
  second.notify('CallStart', { cmd_id: cmdId, event: 'CallerAnswered', seq: 43 });
  second.notify('CallStart', { cmd_id: cmdId, event: 'Ended', seq: 44 });
  expect(updates.map(({ event }) => event)).toEqual(['Started', 'CallerRinging', 'CallerAnswered', 'Ended']);
});

it('asks for tokens, and returns each one to prove what it has read', () => {
  const { open } = setUp();
  const socket = open();
  expect(socket.url.searchParams.get('ack')).toBe('1');
  socket.notify('Acknowledge', { token: 'secret' });
  expect(socket.sent.map((text) => JSON.parse(text))).toEqual([
    { jsonrpc: '2.0', method: 'Acknowledge', params: { token: 'secret' } },
  ]);
});

it('starts a new session after SessionReset, and sends active commands again', () => {
  const { connection, open, reconnect, sockets } = setUp();
  const events: string[] = [];
  const first = open();
  const cmdId = connection.run('CallStart', {}, ({ event }) => events.push(event));
  first.respond(first.onlyRequest('CallStart'), {});
  first.notify('CallStart', { cmd_id: cmdId, event: 'CallerRinging', seq: 41 });
  const second = reconnect();
  second.notify('SessionReset', { since: 41 });
  expect(sockets).toHaveLength(3);
  const third = open();
  expect(third.url.searchParams.has('since')).toBe(false);
  expect(third.url.searchParams.get('session')).not.toBe(first.url.searchParams.get('session'));
  third.respond(third.onlyRequest('CallStart'), { replayed: true });
  third.notify('CallStart', { cmd_id: cmdId, event: 'CallerRinging', seq: 41 });
  third.notify('CallStart', { cmd_id: cmdId, event: 'CallerAnswered', seq: 43 });
  expect(events).toEqual(['Started', 'CallerRinging', 'CallerAnswered']);
});

it('reports why a command was refused, and does not send it again', () => {
  const { connection, open, reconnect } = setUp();
  const updates: CommandUpdate[] = [];
  const first = open();
  connection.run('CallStart', {}, (update) => updates.push(update));
  const error = { code: -32002, message: 'Not allowed', data: 'no scope' };
  first.deliver({ id: first.onlyRequest('CallStart').id, error });
  expect(updates).toEqual([{ event: 'Refused', error }]);
  expect(reconnect().requests).toEqual([]);
});

it('starts a watch with a snapshot, and resumes it where it stopped', () => {
  const { connection, open, reconnect } = setUp();
  const texts = watchedTexts(connection);
  const first = open();
  expect(first.onlyRequest('CallWatch').params).toEqual({});
  first.respond(first.onlyRequest('CallWatch'), { calls: [call('a', 5)], seq: 7 });
  first.notify('Call', { event: 'Answered', seq: 9, call: call('a', 9) });
  const second = reconnect();
  expect(second.onlyRequest('CallWatch').params).toEqual({ since: 9 });
  second.respond(second.onlyRequest('CallWatch'), { calls: [call('a', 12), call('b', 11)], seq: 12 });
  second.notify('Call', { event: 'Ringing', seq: 11, call: call('b', 11) });
  // Disconnected before all missed changes have arrived: the others are still missing.
  const third = reconnect();
  expect(third.onlyRequest('CallWatch').params).toEqual({ since: 11 });
  third.respond(third.onlyRequest('CallWatch'), { calls: [call('a', 12)], seq: 12 });
  third.notify('Call', { event: 'Ringing', seq: 11, call: call('b', 11) });
  third.notify('Call', { event: 'Ended', seq: 12, call: call('a', 12) });
  expect(texts).toEqual(['snapshot: a', 'a Answered', 'resumed', 'b Ringing', 'resumed', 'a Ended']);
});

it('fetches a long snapshot in pages, and delivers changes in the meantime', () => {
  const { connection, open } = setUp();
  const texts = watchedTexts(connection);
  const socket = open();
  const snapshot = { calls: [call('a', 5)], seq: 7, cursor: 'next', link: 'Down' };
  socket.respond(socket.onlyRequest('CallWatch'), snapshot);
  expect(socket.onlyRequest('CallList').params).toMatchObject({ cursor: 'next' });
  socket.notify('Call', { event: 'Ended', seq: 8, call: call('b', 8) });
  socket.respond(socket.onlyRequest('CallList'), { calls: [call('c', 3)] });
  expect(texts).toEqual(['down', 'snapshot: a', 'b Ended', 'page: c']);
});

it('delivers a new snapshot if a watch cannot be resumed', () => {
  const { connection, open, reconnect } = setUp();
  const texts = watchedTexts(connection);
  const first = open();
  first.respond(first.onlyRequest('CallWatch'), { calls: [call('a', 5)], seq: 7 });
  const second = reconnect();
  second.respond(second.onlyRequest('CallWatch'), { calls: [call('z', 99)], seq: 99, reset: true });
  second.notify('Link', { event: 'Down', seq: 100 });
  second.notify('Link', { event: 'Up', seq: 101 });
  expect(texts).toEqual(['snapshot: a', 'snapshot: z', 'down', 'up']);
});

it('delivers a change after the snapshot of a watch', () => {
  const { connection, open } = setUp();
  const texts = watchedTexts(connection);
  const first = open();
  first.respond(first.onlyRequest('CallWatch'), { calls: [call('a', 9)], seq: 9 });
  first.notify('Call', { event: 'Answered', seq: 10, call: call('a', 10) });
  expect(texts).toEqual(['snapshot: a', 'a Answered']);
});

it('detects a dead network with a ping, and reconnects', () => {
  const { open, advance, sockets, states } = setUp();
  const first = open();
  advance(PING_INTERVAL_MS);
  expect(first.sent).toEqual([PING]);
  first.events.onMessage(PONG);
  advance(PING_INTERVAL_MS);
  expect(first.sent).toEqual([PING, PING]);
  advance(PONG_TIMEOUT_MS);
  expect(first.isClosed).toBe(true);
  expect(states.at(-1)).toMatchObject({ status: 'waiting' });
  advance(500);
  expect(sockets).toHaveLength(2);
});

it('ignores the events of a socket that it has closed', () => {
  const { open, advance, sockets, states } = setUp();
  const first = open();
  advance(PING_INTERVAL_MS + PONG_TIMEOUT_MS + 500);
  const before = states.length;
  first.events.onOpen();
  first.deliver({ method: 'SessionReset', params: {} });
  first.events.onClose(4408);
  expect([states.length, sockets.length]).toEqual([before, 2]);
});

it('waits longer after each failure, up to 30 s', () => {
  const { socket, advance, waitingTime } = setUp();
  const delays: number[] = [];
  for (let n = 0; n < 8; n++) {
    socket().events.onClose(1006);
    delays.push(waitingTime());
    advance(waitingTime());
  }
  // Half of the maximum, as the random number is 0.5.
  expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
});

/** The two ways in which a client hears of a close. The close event may follow an announcement many seconds later. */
const closings: [string, (socket: ScriptedSocket, code: number) => void][] = [
  ['closes', (socket, code) => socket.events.onClose(code)],
  ['is announced to close', (socket, code) => socket.notify('Closing', { code, reason: 'why' })],
];

it.each(closings)('waits longer after each socket that %s before any frame has arrived', (_, close) => {
  const { open, advance, socket, waitingTime } = setUp();
  const delays: number[] = [];
  for (let n = 0; n < 3; n++) {
    open();
    close(socket(), 1011);
    expect(socket().isClosed).toBe(true);
    delays.push(waitingTime());
    advance(waitingTime());
  }
  expect(delays).toEqual([250, 500, 1_000]);
});

it.each(
  closings.flatMap(([how, close]) => [
    { how, close, code: 4401, reason: 'unauthorized' },
    { how, close, code: 4408, reason: 'superseded' },
  ]),
)('does not reconnect when a socket $how with $code, and reports the reason', ({ close, code, reason }) => {
  const { connection, open, advance, sockets, states, socket } = setUp();
  const events: string[] = [];
  open();
  connection.run('CallEnd', {}, ({ event }) => events.push(event));
  close(socket(), code);
  advance(60_000);
  expect(sockets).toHaveLength(1);
  expect(states.at(-1)).toEqual({ status: 'closed', reason });
  expect(events).toEqual(['Lost']);
});
