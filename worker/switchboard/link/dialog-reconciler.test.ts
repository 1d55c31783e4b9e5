/** The edge finds calls that ended or began while events were lost. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import type { Client, ClientResponse } from '../../testing/client.ts';
import { scriptByMethod, statefulCalls } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const NO_DIALOG = { error: { code: 404, message: 'Requested Dialog not found' } };

async function resultOf<T>(request: Promise<ClientResponse>): Promise<T> {
  const { result, error } = (await request) as unknown as { result?: T; error?: unknown };
  if (result === undefined) throw new Error(JSON.stringify(error));
  return result;
}

const listCalls = async (client: Client, params: object = {}) =>
  (await resultOf<{ calls: { callid: string }[] }>(client.request('CallList', params))).calls;

it('ends a call that ended between two processes of the adapter, after a hibernation too', async () => {
  const site = new TestSite();
  const first = await site.adapter(statefulCalls('one', 'two'));
  const client = await site.client();
  for (let n = 0; n < 2; n++) {
    await client.request('CallStart', URIS);
    await client.untilEnded();
  }
  first.close();
  await expect.poll(async () => (await site.object.health('key-1'))?.link.connected).toBe(false);
  await evictDurableObject(site.object);
  const adapter = await site.adapter(
    scriptByMethod({ dlg_list: (callid) => (callid === 'one' ? NO_DIALOG : { outcome: 'timeout' }) }),
  );
  const activeCallids = async () =>
    (await listCalls(client, { state: ['answered', 'ringing'] })).map(({ callid }) => callid);
  await expect.poll(activeCallids).toEqual(['two']);
  const { call } = await resultOf<{ call: object }>(client.request('CallGet', { callid: 'one' }));
  expect(call).toMatchObject({ state: 'ended', reason: 'no longer known to OpenSIPS' });
  adapter.close();
});

it('finds a call of which no event has arrived, with its parties but without `osid`', async () => {
  const site = new TestSite();
  const dialog = {
    ID: 'x',
    state: 4,
    timestart: 7,
    callid: 'lost',
    from_uri: 'sip:a@b;osid=1',
    to_uri: 'sip:b@a',
  };
  const adapter = await site.adapter(
    scriptByMethod({
      dlg_list: (callid) => (callid === '' ? { reply: { count: 1, Dialogs: [dialog] } } : NO_DIALOG),
    }),
  );
  const client = await site.client();
  await expect
    .poll(() => listCalls(client))
    .toMatchObject([
      { callid: 'lost', state: 'answered', caller: 'sip:a@b', callee: 'sip:b@a', answered: 7_000 },
    ]);
  adapter.close();
});
