/** `POST /adapter/knock`: an adapter that nobody has dialed delivers what has happened, and is dialed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { phoneUri } from '../harness/client.ts';
import { waitUntil } from '../harness/stack.ts';
import { DialStack } from './harness.ts';

const opensips = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
const hello = (stream: string, base = 1) => ({
  type: 'hello',
  version: 1,
  adapter: 'dialed',
  stream,
  base,
  opensips,
});

/** A dialog of somebody else that rings, in state 2, or ends, in state 5. */
const dialogEvent = (seq: number, callid: string, [old, state]: [number, number]) => ({
  type: 'event',
  seq,
  at: Date.now(),
  name: 'E_DLG_STATE_CHANGED',
  params: {
    id: '12.34',
    db_id: 1234,
    callid,
    from_tag: 'a',
    to_tag: 'b',
    old_state: old,
    new_state: state,
  },
});

let dialed: DialStack;
beforeAll(async () => {
  dialed = await DialStack.start({ idle_s: 10 });
});
afterAll(() => dialed[Symbol.asyncDispose]());

async function knock(body: unknown, key = dialed.site.adapterKey): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return dialed.stack.fetch('/adapter/knock', key, { method: 'POST', body: text });
}

it('applies the messages once, stores them before it answers, and dials', async () => {
  const messages = [dialogEvent(1, 'of-somebody', [1, 2]), dialogEvent(2, 'of-somebody', [2, 3])];
  const response = await knock({ hello: hello('s1'), messages });
  expect(await response.json()).toMatchObject({
    welcome: { type: 'welcome', stream: 's1', applied: 2 },
    dials: true,
  });
  await waitUntil(() => dialed.listener.isLinked);
  // The same process, on its socket: the edge wants nothing that it has.
  dialed.listener.send(hello('s1', 3));
  await waitUntil(() => dialed.listener.frames.some((frame) => frame.includes('"welcome"')));
  const welcome = [JSON.parse(dialed.listener.frames.at(-1) ?? 'null')].flat()[0];
  expect(welcome).toMatchObject({ type: 'welcome', stream: 's1', applied: 2 });

  const occupied = await knock({ hello: hello('s1', 3), messages: [] });
  expect([occupied.status, await occupied.json()]).toEqual([
    409,
    expect.objectContaining({ detail: expect.stringContaining('connected') }),
  ]);
  dialed.listener.send({ type: 'goodbye' });
  await waitUntil(() => !dialed.listener.isLinked);
  // Not even a crash of the edge makes it forget what it has acknowledged.
  await dialed.stack.restartEdge();
  const again = await knock({ hello: hello('s1', 3), messages: [dialogEvent(3, 'of-somebody', [3, 5])] });
  expect(await again.json()).toMatchObject({ welcome: { applied: 3 } });
  const client = await dialed.connectClient();
  const { result } = await client.request('CallGet', { callid: 'of-somebody' });
  expect(result).toMatchObject({ call: { callid: 'of-somebody', state: 'ended' } });
  client.close();
});

it('reports the requests that wait', async () => {
  await waitUntil(() => !dialed.listener.isLinked);
  dialed.listener.misbehavior = { respond: (socket) => socket.end('HTTP/1.1 503 Busy\r\n\r\n') };
  const client = await dialed.connectClient();
  // It waits for a link, which the knock is for a moment.
  const response = client.request('CallStart', { caller: phoneUri('alice'), callee: phoneUri('bob') });
  await waitUntil(() => dialed.listener.attempts.length > 0);
  await waitUntil(async () => {
    const answer = (await (await knock({ hello: hello('s2'), messages: [] })).json()) as object;
    return 'welcome' in answer;
  });
  expect((await response).result).toMatchObject({ event: 'Started' });
  await waitUntil(async () => {
    const answer = (await (await knock({ hello: hello('s2'), messages: [] })).json()) as {
      requests?: { method: string }[];
    };
    return answer.requests?.[0]?.method === 't_uac_dlg';
  });
  client.close();
  dialed.listener.misbehavior = {};
});

it.each<[string, () => unknown, number]>([
  ['no JSON', () => '{', 400],
  ['no hello', () => ({ messages: [] }), 400],
  ['a message without a number', () => ({ hello: hello('s3'), messages: [{ type: 'goodbye' }] }), 400],
  [
    'a message that comes too early',
    () => ({ hello: hello('s3'), messages: [dialogEvent(9, 'x', [1, 2])] }),
    503,
  ],
  ['an unknown version', () => ({ hello: { ...hello('s3'), version: 999 }, messages: [] }), 409],
  ['too much', () => ({ hello: hello('s3'), messages: [], more: 'x'.repeat(600_000) }), 413],
])('refuses %s', async (_, body, status) => {
  let response = await knock(body());
  // A knock before this one may have its adapter dialed, and is limited in its rate.
  while (response.status === 429 || (status !== 409 && response.status === 409)) {
    dialed.listener.send({ type: 'goodbye' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    response = await knock(body());
  }
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/\.$/) });
});

it('refuses keys of clients, and sites whose adapter connects', async () => {
  expect((await knock({ hello: hello('s4'), messages: [] }, dialed.site.siteKey)).status).toBe(401);
  await dialed.setLink({ mode: 'accept' });
  const response = await knock({ hello: hello('s4'), messages: [] });
  expect([response.status, await response.json()]).toEqual([
    409,
    expect.objectContaining({ detail: expect.stringContaining('does not dial') }),
  ]);
});
