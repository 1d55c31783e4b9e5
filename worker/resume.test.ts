/** Clients that come back, and clients that ask twice. */
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { ScriptedAdapter } from './testing/adapter.ts';
import { Client, type Told } from './testing/client.ts';
import { scenarios } from './testing/scenarios.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const fresh = () => crypto.randomUUID();

/** So many notifications, then the socket is closed. */
async function take(client: Client, count: number): Promise<Told[]> {
  const told: Told[] = [];
  while (told.length < count) told.push((await client.socket.next<{ params: Told }>()).params);
  client.socket.close();
  return told;
}

it('a session taken up again gets what it missed, in order, then goes on live', async () => {
  const session = fresh();
  let go: () => void = () => {};
  const gate = new Promise<void>((open) => (go = open));
  const adapter = await ScriptedAdapter.connect(scenarios.startOk);
  let sent = 0;
  adapter.between = async () => {
    if (++sent === 7) await gate;
  };
  const first = await Client.connect(`?session=${session}`);
  await first.ask('CallStart', uris);
  const before = await take(first, 2);
  const second = await Client.connect(`?session=${session}&since=${before.at(-1)?.seq}`);
  go();
  const after = await second.toEnd();
  const all = [...before, ...after];
  expect(all.map(({ event }) => event)).toEqual([
    'CallerRinging',
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'CalleeAnswered',
    'Ended',
  ]);
  expect(new Set(all.map(({ seq }) => seq)).size).toBe(all.length);
  adapter.close();
});

it('what happened while nobody was there is replayed once somebody asks', async () => {
  const session = fresh();
  const adapter = await ScriptedAdapter.connect(scenarios.holdBoth);
  const first = await Client.connect(`?session=${session}`);
  await first.ask('CallHold', { callid: 'c1' });
  await first.toEnd();
  first.socket.close();
  const second = await Client.connect(`?session=${session}&since=0`);
  expect((await second.toEnd()).map(({ event }) => event)).toEqual([
    'CallHolding',
    'CallHoldStart',
    'CallHoldStart',
    'CallHoldSuccessful',
    'CallHoldSuccessful',
    'Ended',
  ]);
  adapter.close();
});

it('an object that is put away with its sockets closed loses nothing of what it told', async () => {
  const session = fresh();
  const first = await Client.connect(`?session=${session}`);
  await first.ask('Echo', {});
  const told = await first.toEnd();
  const object = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
  await evictDurableObject(object, { webSockets: 'close' });
  await first.socket.closed;
  const second = await Client.connect(`?session=${session}&since=0`);
  expect(await second.toEnd()).toEqual(told);
});

it('another session sees nothing of it', async () => {
  const first = await Client.connect(`?session=${fresh()}`);
  await first.ask('Echo', {});
  await first.toEnd();
  const other = await Client.connect(`?session=${fresh()}&since=0`);
  expect(await other.ask('Echo', { mine: true })).toMatchObject({ result: { event: 'Started' } });
  expect((await other.toEnd()).map(({ data }) => data)).toEqual([{ mine: true }, undefined]);
});

it('a cursor that is not known is answered with SessionReset', async () => {
  const client = await Client.connect(`?session=${fresh()}&since=999999999`);
  expect(await client.socket.next()).toMatchObject({
    method: 'SessionReset',
    params: { since: 999_999_999 },
  });
  expect(await client.ask('Echo', {})).toMatchObject({ result: { event: 'Started' } });
});

it('a second socket of a session supersedes the first', async () => {
  const session = fresh();
  const first = await Client.connect(`?session=${session}`);
  await Client.connect(`?session=${session}`);
  expect(await first.socket.closed).toMatchObject({ code: 4408 });
});

it('the same cmd_id asked twice is run once, and the second asker is told all of it', async () => {
  const cmd_id = fresh();
  const adapter = await ScriptedAdapter.connect(scenarios.endOk);
  const first = await Client.connect();
  expect(await first.ask('CallEnd', { callid: 'c1', cmd_id })).toMatchObject({
    result: { cmd_id, event: 'Started' },
  });
  const told = await first.toEnd();
  const second = await Client.connect();
  expect(await second.ask('CallEnd', { callid: 'c1', cmd_id })).toMatchObject({
    result: { cmd_id, event: 'Started', replayed: true },
  });
  expect(await second.toEnd()).toEqual(told);
  expect(adapter.asked).toHaveLength(1);
  adapter.close();
});

it('asked again by the session that has it, a command answers and tells nothing twice', async () => {
  const cmd_id = fresh();
  const client = await Client.connect();
  await client.ask('Echo', { cmd_id });
  await client.toEnd();
  expect(await client.ask('Echo', { cmd_id })).toMatchObject({ result: { replayed: true } });
  expect(await client.ask('Echo', {})).toMatchObject({ result: { event: 'Started' } });
});

it('a command under way moves to the socket that asks for it', async () => {
  const cmd_id = fresh();
  let go: () => void = () => {};
  const gate = new Promise<void>((open) => (go = open));
  const adapter = await ScriptedAdapter.connect(scenarios.holdBoth);
  let sent = 0;
  adapter.between = async () => {
    if (++sent === 3) await gate;
  };
  const first = await Client.connect();
  await first.ask('CallHold', { callid: 'c1', cmd_id });
  const seen = await take(first, 2);
  const second = await Client.connect();
  expect(await second.ask('CallHold', { callid: 'c1', cmd_id })).toMatchObject({
    result: { replayed: true },
  });
  go();
  const told = await second.toEnd();
  expect(told.slice(0, 2)).toEqual(seen);
  expect(told).toHaveLength(6);
  adapter.close();
});

it.each([
  ['other params', 'Echo', { n: 2 }],
  ['another method', 'CallEnd', { callid: 'x' }],
])('a cmd_id with %s is a conflict', async (_, method, params) => {
  const cmd_id = fresh();
  const client = await Client.connect();
  await client.ask('Echo', { n: 1, cmd_id });
  await client.toEnd();
  expect(await client.ask(method, { ...params, cmd_id })).toMatchObject({ error: { code: -32004 } });
});

it("'' is no cmd_id: it may be sent any number of times", async () => {
  const client = await Client.connect();
  const ids = [
    await client.ask('Echo', { cmd_id: '' }),
    await client.toEnd(),
    await client.ask('Echo', { cmd_id: '' }),
  ];
  expect(ids[0]).toMatchObject({ result: { cmd_id: expect.stringMatching(/./), event: 'Started' } });
  expect(ids[2]).not.toMatchObject({ result: { replayed: true } });
});

it.each(['session=a%20b', 'since=x', 'since=-1'])('a query that cannot be is refused: %s', async (query) => {
  await expect(Client.connect(`?${query}`)).rejects.toThrow('400');
});
