/** A session that resumes on a new socket. */
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { ScriptedAdapter } from '../../testing/adapter.ts';
import { Client, type CommandNotification } from '../../testing/client.ts';
import { scenarios } from '../../testing/scenarios.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const randomSession = () => crypto.randomUUID();

it('sends a resuming session what it missed in order, then what happens live', async () => {
  const session = randomSession();
  const { promise: resumed, resolve: onResumed } = Promise.withResolvers<void>();
  const adapter = await ScriptedAdapter.connect(scenarios.startOk);
  let sent = 0;
  adapter.beforeSend = async () => {
    if (++sent === 7) await resumed;
  };
  const first = await Client.connect(`?session=${session}`);
  await first.request('CallStart', URIS);
  const before: CommandNotification[] = [];
  while (before.length < 2) before.push((await first.socket.next<{ params: CommandNotification }>()).params);
  first.socket.close();
  const second = await Client.connect(`?session=${session}&since=${before.at(-1)?.seq}`);
  onResumed();
  const after = await second.untilEnded();
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

it('sends all notifications again to a session that resumes from 0', async () => {
  const session = randomSession();
  const adapter = await ScriptedAdapter.connect(scenarios.holdBoth);
  const first = await Client.connect(`?session=${session}`);
  await first.request('CallHold', { callid: 'c1' });
  await first.untilEnded();
  first.socket.close();
  const second = await Client.connect(`?session=${session}&since=0`);
  expect((await second.untilEnded()).map(({ event }) => event)).toEqual([
    'CallHolding',
    'CallHoldStart',
    'CallHoldStart',
    'CallHoldSuccessful',
    'CallHoldSuccessful',
    'Ended',
  ]);
  adapter.close();
});

it('keeps the notifications when the object is evicted and its sockets are closed', async () => {
  const session = randomSession();
  const adapter = await ScriptedAdapter.connect(scenarios.endNotFound);
  const first = await Client.connect(`?session=${session}`);
  const notifications = await first.runStored();
  adapter.close();
  const object = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
  await evictDurableObject(object, { webSockets: 'close' });
  await first.socket.closed;
  const second = await Client.connect(`?session=${session}&since=0`);
  expect(await second.untilEnded()).toEqual(notifications);
});

it('does not send the notifications of another session', async () => {
  const adapter = await ScriptedAdapter.connect(scenarios.endNotFound);
  const first = await Client.connect(`?session=${randomSession()}`);
  await first.runStored();
  const other = await Client.connect(`?session=${randomSession()}&since=0`);
  const { result } = await other.request('CallEnd', { callid: 'none' });
  expect((await other.untilEnded()).map(({ cmd_id }) => cmd_id)).toEqual([result?.cmd_id, result?.cmd_id]);
  adapter.close();
});

it('sends SessionReset for an unknown `since`, and the session continues', async () => {
  const client = await Client.connect(`?session=${randomSession()}&since=999999999`);
  expect(await client.socket.next()).toMatchObject({
    method: 'SessionReset',
    params: { since: 999_999_999 },
  });
  expect(await client.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
});

it('closes the older socket of a session when a newer one connects', async () => {
  const session = randomSession();
  const first = await Client.connect(`?session=${session}`);
  await Client.connect(`?session=${session}`);
  expect(await first.socket.closed).toMatchObject({ code: 4408 });
});

it('sends a session only the events that OpenSIPS’s own Call API has, also after a hibernation and when it resumes', async () => {
  const session = randomSession();
  const { promise: evicted, resolve: onEvicted } = Promise.withResolvers<void>();
  const adapter = await ScriptedAdapter.connect(scenarios.startOk);
  let sent = 0;
  adapter.beforeSend = async () => {
    if (++sent === 2) await evicted;
  };
  const first = await Client.connect(`?session=${session}&events=original`);
  await first.request('CallStart', URIS);
  await expect.poll(() => sent).toBe(2);
  await evictDurableObject(env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo')));
  onEvicted();
  const names = (notifications: readonly CommandNotification[]) => notifications.map(({ event }) => event);
  const originalEvents = ['CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'];
  expect(names(await first.untilEnded())).toEqual(originalEvents);
  first.socket.close();
  const all = await Client.connect(`?session=${session}&since=0`);
  expect(names(await all.untilEnded())).toEqual(['CallerRinging', ...originalEvents]);
  all.socket.close();
  const again = await Client.connect(`?session=${session}&since=0&events=original`);
  expect(names(await again.untilEnded())).toEqual(originalEvents);
  adapter.close();
});

it('sends no SessionReset to a session that does not know it', async () => {
  const client = await Client.connect(`?session=${randomSession()}&since=999999999&events=original`);
  expect(await client.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
});

it.each(['session=a%20b', 'since=x', 'since=-1', 'events=some'])(
  'rejects an invalid query: %s',
  async (query) => {
    await expect(Client.connect(`?${query}`)).rejects.toThrow('400');
  },
);
