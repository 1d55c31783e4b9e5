/** The connection, over scripted sockets and a clock that stands until it is told to go on. */
import { expect, it } from 'vitest';
import * as link from '../shared/link.ts';
import {
  Connection,
  type ConnectionState,
  PATIENCE_MS,
  PING,
  PONG,
  QUIET_MS,
  type Socket,
} from './connection.ts';
import type { Notice } from './frames.ts';
import { ASK_AGAIN_MS } from './running.ts';
import type { Call } from './watching.ts';

interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

class ScriptedSocket implements Socket {
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  readonly sent: string[] = [];
  isClosed = false;
  readonly url: URL;
  readonly protocols: readonly string[];

  constructor(url: string, protocols: readonly string[]) {
    this.url = new URL(url);
    this.protocols = protocols;
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

  /** The one request of that method; fails where there are more or none. */
  the(method: string): Request {
    const [request, more] = this.requests.filter((each) => each.method === method);
    if (!request || more) throw new Error(`not one ${method} in ${this.sent.join(' ')}`);
    return request;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', ...message }) });
  }

  answer({ id }: Request, result: object): void {
    this.say({ id, result });
  }

  tell(method: string, params: object): void {
    this.say({ method, params });
  }
}

function world({ token, closeWhen }: { token?: string; closeWhen?: ConnectionState['is'] } = {}) {
  const sockets: ScriptedSocket[] = [];
  const states: ConnectionState[] = [];
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  let now = 1_000_000;
  let names = 0;
  const connection = new Connection(
    {
      url: 'ws://edge/call-api',
      onState: (state) => {
        states.push(state);
        if (state.is === closeWhen) connection.close();
      },
      ...(token === undefined ? {} : { token }),
    },
    {
      open: (url, protocols) => {
        const socket = new ScriptedSocket(url, protocols);
        sockets.push(socket);
        return socket;
      },
      now: () => now,
      after: (ms, callback) => {
        const timer = { at: now + ms, callback };
        timers.add(timer);
        return () => timers.delete(timer);
      },
      random: () => 0.5,
      name: () => `name-${++names}`,
    },
  );
  const pass = (ms: number) => {
    const until = now + ms;
    for (;;) {
      const [next] = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (!next) break;
      timers.delete(next);
      now = next.at;
      next.callback();
    }
    now = until;
  };
  const socket = () => {
    const last = sockets.at(-1);
    if (!last) throw new Error('no socket yet');
    return last;
  };
  const open = () => {
    socket().onopen?.();
    return socket();
  };
  /** The network breaks; after so many milliseconds of waiting, and as many attempts as that takes, it is back. */
  const cut = (ms = 1_000) => {
    socket().onclose?.({ code: 1006 });
    pass(ms);
    if (states.at(-1)?.is === 'waiting') connection.retryNow();
    return open();
  };
  connection.connect();
  return { connection, sockets, states, socket, open, cut, pass, now: () => now };
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

/** What a watcher is told, as words. */
function watched(connection: Connection): string[] {
  const told: string[] = [];
  connection.watch({
    snapshot: (calls, readOn) => {
      told.push(`all: ${calls.map(({ callid }) => callid).join(' ')}`);
      readOn();
    },
    more: (calls, readOn) => {
      told.push(`more: ${calls.map(({ callid }) => callid).join(' ')}`);
      readOn();
    },
    resumed: () => told.push('back'),
    changed: ({ callid }, event) => told.push(`${callid} ${event}`),
    link: (isUp) => told.push(isUp ? 'up' : 'down'),
    refused: ({ message }) => told.push(`refused: ${message}`),
  });
  return told;
}

it.each(['connecting', 'open', 'waiting'] as const)(
  'closed within its word that it is %s, it stays closed',
  (closeWhen) => {
    const { sockets, states, pass } = world({ closeWhen });
    sockets[0]?.onopen?.();
    sockets[0]?.onclose?.({ code: 1006 });
    pass(120_000);
    expect(states.at(-1)).toEqual({ is: 'closed', why: 'asked' });
    expect(sockets.length).toBeLessThan(2);
    expect(sockets.every(({ isClosed }) => isClosed)).toBe(true);
  },
);

it('speaks of the ping as the platform does', () => {
  expect([PING, PONG]).toEqual([link.PING, link.PONG]);
});

it('brings a token as a subprotocol, never in the URL', () => {
  const { socket } = world({ token: 'secret' });
  expect(socket().protocols).toEqual(['call-api.v1', 'call-api.token.secret']);
  expect(socket().url.href).not.toContain('secret');
});

it('a command that was asked for while the socket was lost is asked for again with the same cmd_id', () => {
  const { connection, open, cut } = world();
  const notices: string[] = [];
  const first = open();
  const cmdId = connection.run('CallStart', { caller: 'sip:a@x' }, ({ event }) => notices.push(event));
  expect(first.the('CallStart').params).toEqual({ caller: 'sip:a@x', cmd_id: cmdId });
  const second = cut();
  expect(second.the('CallStart').params).toEqual({ caller: 'sip:a@x', cmd_id: cmdId });
  second.answer(second.the('CallStart'), { cmd_id: cmdId, event: 'Started', replayed: true });
  expect(notices).toEqual(['Started']);
});

it('a command whose answer is lost for long is not asked for again: it might run twice', () => {
  const { connection, open, cut } = world();
  const notices: string[] = [];
  open();
  connection.run('CallStart', {}, ({ event }) => notices.push(event));
  const second = cut(ASK_AGAIN_MS + 1);
  expect(second.requests).toEqual([]);
  expect(notices).toEqual(['Lost']);
});

it('very many commands are not asked for again all at once, but at a pace that an edge allows', () => {
  const { connection, open, cut, pass } = world();
  open();
  for (let n = 0; n < 200; n++) connection.run('Echo', { n }, () => {});
  const second = cut(500);
  expect(second.requests).toHaveLength(50);
  pass(1_000);
  expect(second.requests).toHaveLength(91);
  pass(5_000);
  expect(second.requests.map(({ params }) => params['n'])).toEqual(Array.from({ length: 200 }, (_, n) => n));
});

it('what a session missed comes from where it stood, and nothing is told twice', () => {
  const { connection, open, cut } = world();
  const notices: Notice[] = [];
  const first = open();
  const cmdId = connection.run('CallStart', {}, (notice) => notices.push(notice));
  first.answer(first.the('CallStart'), {});
  first.tell('CallStart', { cmd_id: cmdId, event: 'CallerRinging', seq: 41 });
  const second = cut();
  expect(second.url.searchParams.get('since')).toBe('41');
  expect(second.url.searchParams.get('session')).toBe(first.url.searchParams.get('session'));
  expect(second.requests).toEqual([]);
  second.tell('CallStart', { cmd_id: cmdId, event: 'CallerRinging', seq: 41 });
  second.tell('CallStart', { cmd_id: cmdId, event: 'CallerAnswered', seq: 43 });
  second.tell('CallStart', { cmd_id: cmdId, event: 'Ended', seq: 44 });
  expect(notices.map(({ event }) => event)).toEqual(['Started', 'CallerRinging', 'CallerAnswered', 'Ended']);
});

it('where a session is no longer kept, a new one asks for what runs and hears all of it', () => {
  const { connection, open, cut, sockets } = world();
  const notices: string[] = [];
  const first = open();
  const cmdId = connection.run('CallStart', {}, ({ event }) => notices.push(event));
  first.answer(first.the('CallStart'), {});
  first.tell('CallStart', { cmd_id: cmdId, event: 'CallerRinging', seq: 41 });
  const second = cut();
  second.tell('SessionReset', { since: 41 });
  expect(sockets).toHaveLength(3);
  const third = open();
  expect(third.url.searchParams.has('since')).toBe(false);
  expect(third.url.searchParams.get('session')).not.toBe(first.url.searchParams.get('session'));
  third.answer(third.the('CallStart'), { replayed: true });
  third.tell('CallStart', { cmd_id: cmdId, event: 'CallerRinging', seq: 41 });
  third.tell('CallStart', { cmd_id: cmdId, event: 'CallerAnswered', seq: 43 });
  expect(notices).toEqual(['Started', 'CallerRinging', 'CallerAnswered']);
});

it('a refused command says why and is over', () => {
  const { connection, open, cut } = world();
  const notices: Notice[] = [];
  const first = open();
  connection.run('CallStart', {}, (notice) => notices.push(notice));
  first.say({
    id: first.the('CallStart').id,
    error: { code: -32002, message: 'Not allowed', data: 'no scope' },
  });
  expect(notices).toEqual([
    { event: 'Refused', error: { code: -32002, message: 'Not allowed', data: 'no scope' } },
  ]);
  expect(cut().requests).toEqual([]);
});

it('a watch begins with a snapshot, and goes on after a break where it stood', () => {
  const { connection, open, cut } = world();
  const told = watched(connection);
  const first = open();
  expect(first.the('CallWatch').params).toEqual({});
  first.answer(first.the('CallWatch'), { calls: [call('a', 5)], seq: 7 });
  first.tell('Call', { event: 'Answered', seq: 9, call: call('a', 9) });
  const second = cut();
  expect(second.the('CallWatch').params).toEqual({ since: 9 });
  second.answer(second.the('CallWatch'), { calls: [call('a', 12), call('b', 11)], seq: 12 });
  second.tell('Call', { event: 'Ringing', seq: 11, call: call('b', 11) });
  // Cut in the middle of what it missed: the rest is still missing.
  const third = cut();
  expect(third.the('CallWatch').params).toEqual({ since: 11 });
  third.answer(third.the('CallWatch'), { calls: [call('a', 12)], seq: 12 });
  third.tell('Call', { event: 'Ringing', seq: 11, call: call('b', 11) });
  third.tell('Call', { event: 'Ended', seq: 12, call: call('a', 12) });
  expect(told).toEqual(['all: a', 'a Answered', 'back', 'b Ringing', 'back', 'a Ended']);
});

it('a long snapshot is read in pieces, and what changes meanwhile is told', () => {
  const { connection, open } = world();
  const told = watched(connection);
  const socket = open();
  socket.answer(socket.the('CallWatch'), { calls: [call('a', 5)], seq: 7, cursor: 'next', link: 'Down' });
  expect(socket.the('CallList').params).toMatchObject({ cursor: 'next' });
  socket.tell('Call', { event: 'Ended', seq: 8, call: call('b', 8) });
  socket.answer(socket.the('CallList'), { calls: [call('c', 3)] });
  expect(told).toEqual(['down', 'all: a', 'b Ended', 'more: c']);
});

it('a watch that cannot go on begins anew', () => {
  const { connection, open, cut } = world();
  const told = watched(connection);
  const first = open();
  first.answer(first.the('CallWatch'), { calls: [call('a', 5)], seq: 7 });
  const second = cut();
  second.answer(second.the('CallWatch'), { calls: [call('z', 99)], seq: 99, reset: true });
  second.tell('Link', { event: 'Down', seq: 100 });
  second.tell('Link', { event: 'Up', seq: 101 });
  expect(told).toEqual(['all: a', 'all: z', 'down', 'up']);
});

it('a change that comes before the answer to the watch is in the snapshot, and not told twice', () => {
  const { connection, open } = world();
  const told = watched(connection);
  const first = open();
  first.answer(first.the('CallWatch'), { calls: [call('a', 9)], seq: 9 });
  first.tell('Call', { event: 'Answered', seq: 10, call: call('a', 10) });
  expect(told).toEqual(['all: a', 'a Answered']);
});

it('a network that has died without a word is noticed, and left', () => {
  const { open, pass, sockets, states } = world();
  const first = open();
  pass(QUIET_MS);
  expect(first.sent).toEqual([PING]);
  first.onmessage?.({ data: PONG });
  pass(QUIET_MS);
  expect(first.sent).toEqual([PING, PING]);
  pass(PATIENCE_MS);
  expect(first.isClosed).toBe(true);
  expect(states.at(-1)).toMatchObject({ is: 'waiting' });
  pass(500);
  expect(sockets).toHaveLength(2);
});

it('waits longer each time, and never over 30 s', () => {
  const { socket, pass, states, now } = world();
  const waits: number[] = [];
  for (let n = 0; n < 8; n++) {
    socket().onclose?.({ code: 1006 });
    const state = states.at(-1);
    if (state?.is !== 'waiting') throw new Error('it does not wait');
    waits.push(state.until - now());
    pass(state.until - now());
  }
  // Half of what it may be, as the random number says.
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
});

it('waits longer each time too where it is let in, but never told anything', () => {
  const { open, pass, states, socket, now } = world();
  const waits: number[] = [];
  for (let n = 0; n < 3; n++) {
    open();
    socket().onclose?.({ code: 1011 });
    const state = states.at(-1);
    if (state?.is !== 'waiting') throw new Error('it does not wait');
    waits.push(state.until - now());
    pass(state.until - now());
  }
  expect(waits).toEqual([250, 500, 1_000]);
});

it.each([
  [4401, 'unauthorized'],
  [4408, 'superseded'],
])('closed with %i it does not come back, and says why', (code, why) => {
  const { connection, open, pass, sockets, states, socket } = world();
  const notices: string[] = [];
  open();
  connection.run('CallEnd', {}, ({ event }) => notices.push(event));
  socket().onclose?.({ code });
  pass(60_000);
  expect(sockets).toHaveLength(1);
  expect(states.at(-1)).toEqual({ is: 'closed', why });
  expect(notices).toEqual(['Lost']);
});
