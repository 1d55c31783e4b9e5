/** A deleted site: the object closes its sockets and erases its storage. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { scriptByMethod, statefulCalls } from '../testing/scenarios.ts';
import { policy, TestSite } from '../testing/site.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

it('closes all sockets and leaves no data, and a later connection finds a new site', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(statefulCalls('one'));
  const denyAll = policy({}, { version: 9, rules: [{ allow: [], deny: ['*'] }] });
  const client = await site.client({ policy: denyAll });
  await client.runStored({ cmd_id: 'x' });
  const byToken = await site.client({ subject: 'sub:alice', expires: Date.now() + 60_000 });
  await site.object.erase();
  for (const { closed } of [client.socket, byToken.socket, adapter])
    expect(await closed).toEqual({ code: 4401, reason: 'The site was deleted.' });
  const readStorage = () =>
    runInDurableObject(site.object, async (_, { storage }) => ({
      tables: storage.sql
        .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
        .toArray(),
      alarm: await storage.getAlarm(),
    }));
  expect(await readStorage()).toEqual({ tables: [], alarm: null });
  await site.object.erase();
  expect(await readStorage()).toEqual({ tables: [], alarm: null });

  const newAdapter = await site.adapter(statefulCalls('two'));
  const newClient = await site.client();
  const start = { ...URIS, cmd_id: 'x' };
  expect(await newClient.request('CallStart', start)).toMatchObject({ result: { event: 'Started' } });
  const notifications = await newClient.untilEnded();
  expect(notifications.at(-2)).toMatchObject({ event: 'CalleeAnswered', data: { callid: 'two' } });
  await evictDurableObject(site.object);
  expect(await newClient.request('CallStart', start)).toMatchObject({ result: { replayed: true } });
  newAdapter.close();
});

it('deletes the running commands too', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(scriptByMethod({ call_hold: () => ({}) }));
  const client = await site.client();
  await client.request('CallHold', { callid: 'c1' });
  expect(await site.object.health('key-1')).toMatchObject({ running: 1 });
  await site.object.erase();
  expect(await site.object.health('key-1')).toEqual({ running: 0, link: { connected: false } });
  await adapter.closed;
});
