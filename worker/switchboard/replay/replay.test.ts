/** Replays at the front door: what a turn reads and sends, who goes in between, and what a client that does not read gets. */
import { runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { Client } from '../../testing/client.ts';
import { createSender } from '../../testing/http.ts';
import { dialogEvent, scriptByMethod } from '../../testing/scenarios.ts';
import { type ClientOptions, policy, TestSite } from '../../testing/site.ts';
import type { TestSocket } from '../../testing/sockets.ts';
import { CommandLog } from '../store/command-log.ts';
import { MAX_PAGE_BYTES, MAX_PAGE_ROWS, type StoredPage } from '../store/stored-page.ts';

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: { readonly seq?: number; readonly reset?: boolean };
  readonly params: {
    readonly cmd_id?: string;
    readonly token?: string;
    readonly seq?: number;
    readonly event?: string;
  };
}

/** Makes the notifications of a command long. */
const metadata = { text: 'x'.repeat(2_000) };

/** An OpenSIPS whose list of dialogs cannot be read: the site knows only the calls that events are about. */
const withoutDialogList = scriptByMethod({ dlg_list: () => ({ outcome: 'timeout' }) });

afterEach(() => vi.restoreAllMocks());

/** Counts what each read of the log has read. */
function spyOnPages(): StoredPage[] {
  const pages: StoredPage[] = [];
  const read = CommandLog.prototype.readPage;
  vi.spyOn(CommandLog.prototype, 'readPage').mockImplementation(function (this: CommandLog, ...args) {
    const page = read.apply(this, args);
    pages.push(page);
    return page;
  });
  return pages;
}

/** Counts what each turn has read from the log: everything between two of its awaits. */
function spyOnTurns(): { bytes: number; rows: number }[] {
  const turns: { bytes: number; rows: number }[] = [];
  const read = CommandLog.prototype.readPage;
  let turn: { bytes: number; rows: number } | undefined;
  vi.spyOn(CommandLog.prototype, 'readPage').mockImplementation(function (this: CommandLog, ...args) {
    const page = read.apply(this, args);
    if (!turn) {
      turn = { bytes: 0, rows: 0 };
      turns.push(turn);
      queueMicrotask(() => {
        turn = undefined;
      });
    }
    turn.bytes += page.bytes;
    turn.rows += page.rows.length;
    return page;
  });
  return turns;
}

const notFound = () => ({ error: { code: 404, message: 'Requested Dialog not found' } });
/** An OpenSIPS that knows no calls. */
const withoutCalls = scriptByMethod({
  call_transfer: notFound,
  dlg_end_dlg: notFound,
  dlg_list: () => ({ outcome: 'timeout' }),
});

/** A transfer that fails at once. It has two long Call-IDs, which its rows have several times. */
const longTransfer = (n: number) => ({
  method: 'CallAttendedTransfer',
  params: {
    callidA: `a${n}`.padEnd(4_000, 'c'),
    legA: 'caller',
    callidB: `b${n}`.padEnd(4_000, 'c'),
    legB: 'callee',
    metadata,
  },
});

/** A command whose rows are hardly longer than its notifications. */
const shortEnd = () => ({ method: 'CallEnd', params: { callid: 'none', metadata } });

/** Fills the log of commands with those of a session, each of which has two notifications. Returns the number of the last one. */
async function fill(
  site: TestSite,
  options: ClientOptions,
  count: number,
  requestOf: (n: number) => { readonly method: string; readonly params: object } = longTransfer,
): Promise<number> {
  const adapter = await site.adapter(withoutCalls);
  // A policy with a higher version replaces this one.
  const limits = {
    unread_bytes: 16_777_216,
    messages_per_second: 10_000,
    written_bytes_per_minute: 1_024 ** 3,
    tenant_written_bytes_per_minute: 1_024 ** 3,
  };
  const unlimited = policy(limits, { version: 0 });
  const client = await site.client({ policy: unlimited, ...options });
  let last = 0;
  for (let n = 0; n < count; n++) {
    const { method, params } = requestOf(n);
    await client.request(method, params);
    last = (await client.untilEnded()).at(-1)?.seq ?? 0;
  }
  client.socket.close();
  adapter.close();
  return last;
}

/** Fills the log of calls with changes that a watcher sees. Returns the number before them. */
async function ring(site: TestSite, count: number): Promise<number> {
  const adapter = await site.adapter(withoutDialogList);
  const watcher = new Client(await site.openSocket());
  const { result } = (await watcher.request('CallWatch', {})) as unknown as { result: { seq: number } };
  for (let n = 0; n < count; n++) await adapter.raiseEvent(dialogEvent(`${n}`.padEnd(4_000, 'c'), 1, 2));
  for (let seen = 0; seen < count; ) seen += [await watcher.socket.next<Message | Message[]>()].flat().length;
  watcher.socket.close();
  adapter.close();
  return result.seq;
}

/** Reads until `isLast` holds for a message. A client that acknowledges returns each token. */
async function readUntil(
  socket: TestSocket,
  isLast: (message: Message) => boolean,
  acknowledges: boolean,
): Promise<Message[]> {
  const messages: Message[] = [];
  while (true) {
    for (const message of [await socket.next<Message | Message[]>()].flat()) {
      if (message.method !== 'Acknowledge') messages.push(message);
      else if (acknowledges)
        socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'Acknowledge', params: message.params }));
      if (isLast(message)) return messages;
    }
  }
}

const seqsOf = (messages: readonly Message[]) => messages.flatMap(({ params }) => params?.seq ?? []);
const ascending = (seqs: readonly number[]) => [...new Set(seqs)].toSorted((one, other) => one - other);

it('reads at most 256 KB in a turn, and sends a resuming session everything once and in order', async () => {
  const site = new TestSite();
  const session = 'long';
  const last = await fill(site, { session }, 60);
  const turns = spyOnTurns();
  const socket = await site.openSocket({ session, since: 0, acknowledges: true });
  const seqs = seqsOf(await readUntil(socket, ({ params }) => params?.seq === last, true));
  expect(seqs).toHaveLength(120);
  expect(seqs).toEqual(ascending(seqs));
  expect(turns.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(4 * MAX_PAGE_BYTES);
  for (const { bytes, rows } of turns) {
    expect(bytes).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    expect(rows).toBeLessThanOrEqual(MAX_PAGE_ROWS);
  }
});

it.each([
  [
    'a token that is bound to a caller without calls',
    { subject: 'sub:eve', caller: 'sip:eve@127.0.0.1' },
    {},
  ],
  ['a watcher of a single call that does not exist', {}, { callid: 'none' }],
])('parses nothing for %s, and reads as little in a turn', async (_, options, params) => {
  const site = new TestSite();
  const since = await ring(site, 160);
  const pages = spyOnPages();
  const client = await site.client(options);
  expect(await client.request('CallWatch', { ...params, since })).toMatchObject({
    result: { calls: [], seq: since },
  });
  await expect.poll(() => pages.at(-1)?.isLast).toBe(true);
  expect(pages.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(2 * MAX_PAGE_BYTES);
  for (const { bytes, rows } of pages) {
    expect(bytes).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    // Only the link to the adapter is shown to everybody.
    expect(rows.filter(({ row }) => row !== null && !row.includes('"link":"'))).toEqual([]);
  }
});

it('parses nothing of a session of another subject', async () => {
  const site = new TestSite();
  const session = 'same';
  await fill(site, { session }, 15);
  const pages = spyOnPages();
  await site.openSocket({ session: 'other', since: 0 });
  await expect.poll(() => pages.at(-1)?.isLast).toBe(true);
  expect(pages.flatMap(({ rows }) => rows.filter(({ row }) => row !== null))).toEqual([]);
});

it('answers another client between two pages', async () => {
  const site = new TestSite();
  const session = 'long';
  const last = await fill(site, { session }, 60);
  const other = await site.client({ subject: 'sub:other' });
  await other.request('CallList', {});
  const pages = spyOnPages();
  const answeredAfter: number[] = [];
  const socket = await site.openSocket({ session, since: 0, acknowledges: true });
  let isReplayed = false;
  const replayed = readUntil(socket, ({ params }) => params?.seq === last, true).finally(() => {
    isReplayed = true;
  });
  for (let n = 0; n < 100 && !isReplayed; n++) {
    await other.request('CallList', {});
    answeredAfter.push(pages.length);
  }
  await replayed;
  expect(pages.length).toBeGreaterThan(15);
  expect(answeredAfter[0]).toBeLessThan(pages.length);
});

it('waits for a client that has not proved that it reads, and continues when it has', async () => {
  const site = new TestSite();
  const session = 'long';
  const last = await fill(site, { session }, 60);
  const limits = policy({ unread_bytes: 262_144 });
  const socket = await site.openSocket({ session, since: 0, acknowledges: true, policy: limits });
  const pages = spyOnPages();
  const tokens: (string | undefined)[] = [];
  const first = await readUntil(
    socket,
    ({ method, params }) => {
      if (method === 'Acknowledge') tokens.push(params.token);
      return tokens.length === 1;
    },
    false,
  );
  expect(first.length).toBeLessThan(120);
  const pagesBefore = pages.length;
  // Another client is served all the while, so turns pass.
  const other = await site.client({ subject: 'sub:other' });
  for (let n = 0; n < 20; n++) await other.request('CallList', {});
  expect(pages.length - pagesBefore).toBeLessThanOrEqual(1);
  for (const token of tokens)
    socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'Acknowledge', params: { token } }));
  const rest = await readUntil(socket, ({ params }) => params?.seq === last, true);
  const seqs = seqsOf([...first, ...rest]);
  expect(seqs).toHaveLength(120);
  expect(seqs).toEqual(ascending(seqs));
});

it('sends what a command of another session has sent after all that the session has missed which repeats it', async () => {
  const site = new TestSite();
  const session = 'repeats';
  const last = await fill(site, { session }, 60);
  const limits = policy({ unread_bytes: 262_144 });
  const command = { ...shortEnd(), params: { ...shortEnd().params, cmd_id: 'repeated' } };
  const repeated = await fill(site, { session: 'other' }, 1, () => command);
  const options = { session, acknowledges: true as const, policy: limits };
  const socket = await site.openSocket({ ...options, since: 0 });
  let token: string | undefined;
  const isPageRead = ({ method, params }: Message) => {
    if (method === 'Acknowledge') token = params.token;
    return token !== undefined;
  };
  const first = await readUntil(socket, isPageRead, false);
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 2, ...command }));
  const answered = await readUntil(socket, ({ id }) => id === 2, false);
  socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'Acknowledge', params: { token } }));
  const rest = await readUntil(socket, ({ params }) => params?.seq === repeated, true);
  const seqs = seqsOf([...first, ...answered, ...rest]);
  expect(seqs).toContain(last);
  expect(seqs).toEqual(ascending(seqs));
});

it.each([true, false])(
  'closes a client that leaves more than unread_bytes unread with 4413 (acknowledges: %s), which then resumes without a gap',
  async (acknowledges) => {
    const site = new TestSite();
    const session = 'deaf';
    const adapter = await site.adapter(withoutCalls);
    const request = (id: number, params: object) =>
      JSON.stringify({ jsonrpc: '2.0', id, method: 'CallEnd', params: { callid: 'none', ...params } });
    const limits = { policy: policy({ unread_bytes: 262_144, messages_per_second: 10_000 }) };
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const socket = await site.openSocket({ session, ...limits, ...(acknowledges ? { acknowledges } : {}) });
    const received: Message[] = [];
    let isClosed = false;
    void socket.closed.then(() => {
      isClosed = true;
    });
    for (let n = 0; n < 200 && !isClosed; n++) {
      socket.send(request(n, { metadata }));
      const read = await readUntil(socket, ({ params }) => params?.event === 'Ended', false).catch(() => []);
      received.push(...read);
    }
    expect(await socket.closed).toMatchObject({ code: 4413 });
    vi.useRealTimers();
    const before = seqsOf(received);
    const resumed = await site.openSocket({
      session,
      since: before.at(-1) ?? 0,
      ...limits,
      acknowledges: true,
    });
    const cmd_id = 'after';
    resumed.send(request(1, { cmd_id }));
    const isLast = ({ params }: Message) => params?.cmd_id === cmd_id && params.event === 'Ended';
    const rest = await readUntil(resumed, isLast, true);
    const stored = await runInDurableObject(site.object, (_, { storage }) =>
      storage.sql
        .exec<{ row: string }>('SELECT row FROM log_1')
        .toArray()
        .flatMap(
          ({ row }) => (JSON.parse(row) as { commands: { notifications: { seq: number }[] }[] }).commands,
        )
        .flatMap(({ notifications }) => notifications.map(({ seq }) => seq)),
    );
    expect([...before, ...seqsOf(rest)]).toEqual(ascending(stored));
    adapter.close();
  },
);

it('serves a client that cannot acknowledge at normal rates for as long as it likes', async () => {
  const site = new TestSite();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const limits = policy({ unread_bytes: 262_144, messages_per_second: 10_000 });
  const client = await site.client({ policy: limits });
  // Ten times what may be unread, at 64 KB a second.
  for (let n = 0; n < 200; n++) {
    await client.request('Echo', { text: 'x'.repeat(12_000) });
    expect((await client.untilEnded()).map(({ event }) => event)).toEqual(['Reply', 'Ended']);
    vi.setSystemTime(Date.now() + 250);
  }
  vi.useRealTimers();
});

it('ignores a token that it has not sent, and counts it as a message', async () => {
  const site = new TestSite();
  const client = await site.client({ policy: policy({ messages_per_second: 1 }), acknowledges: true });
  expect(await client.request('Acknowledge', { token: 'invented' })).toMatchObject({
    error: { code: -32602 },
  });
  client.socket.send(
    JSON.stringify({ jsonrpc: '2.0', method: 'Acknowledge', params: { token: 'invented' } }),
  );
  expect(await client.request('Echo', {})).toMatchObject({ error: { code: -32003 } });
});

it('waits for the budget of its subject, and sends the rest when that is refilled', async () => {
  const site = new TestSite();
  const session = 'long';
  const last = await fill(site, { session }, 60, shortEnd);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const limits = policy({ replayed_bytes_per_minute: 65_536 });
  const pages = spyOnPages();
  const socket = await site.openSocket({ session, since: 0, acknowledges: true, policy: limits });
  const received: Message[] = [];
  const isLast = ({ params }: Message) => params?.seq === last;
  const done = readUntil(socket, (message) => received.push(message) > 0 && isLast(message), true);
  await expect.poll(() => received.length).toBeGreaterThan(5);
  const other = await site.client({ subject: 'sub:other' });
  for (let n = 0; n < 20; n++) await other.request('Echo', {}).then(() => other.untilEnded());
  expect(pages.length).toBe(1);
  vi.useRealTimers();
  socket.close();
  await done.catch(() => {});
});

it('sends a snapshot and a page of a list with at most 256 KB, and the cursor of the rest', async () => {
  const site = new TestSite();
  await ring(site, 120);
  const client = await site.client();
  const callids = new Set<string>();
  let cursor: string | undefined;
  const text = async (method: string, params: object) => {
    const response = await client.request(method, params);
    expect(JSON.stringify(response).length).toBeLessThan(262_144);
    const { calls, cursor: next } = response.result as unknown as {
      calls: { callid: string }[];
      cursor?: string;
    };
    for (const { callid } of calls) callids.add(callid);
    cursor = next;
  };
  await text('CallWatch', {});
  expect(cursor).toBeDefined();
  while (cursor !== undefined) await text('CallList', { state: ['ringing'], limit: 500, cursor });
  expect(callids.size).toBe(120);
});

it('refuses the queries of a batch whose responses are too long together', async () => {
  const site = new TestSite();
  await ring(site, 60);
  const socket = await site.openSocket();
  const batch = Array.from({ length: 10 }, (_, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'CallList',
    params: {},
  }));
  socket.send(JSON.stringify(batch));
  const responses = await socket.next<{ error?: { code: number; data: { limit: string } } }[]>();
  expect(responses).toHaveLength(10);
  expect(responses.at(-1)?.error).toMatchObject({ code: -32003, data: { limit: 'unread_bytes' } });
  expect(JSON.stringify(responses).length).toBeLessThan(2 * MAX_PAGE_BYTES);
});

it('sends an event stream no more than its reader may leave unread', async () => {
  const site = new TestSite();
  const since = await ring(site, 200);
  const pages = spyOnPages();
  const send = await createSender(site, {});
  const response = await send(`/v1/events?since=${since}`);
  const other = await site.client({ subject: 'sub:other' });
  for (let n = 0; n < 30; n++) await other.request('CallList', { limit: 1 });
  expect(pages.filter(({ bytes }) => bytes > 0).length).toBeLessThan(6);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(`"callid":"199c`)) text += (await reader?.read())?.value ?? '';
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  expect(ids.length).toBeGreaterThanOrEqual(200);
  expect(ids).toEqual(ascending(ids));
  await reader?.cancel();
});
