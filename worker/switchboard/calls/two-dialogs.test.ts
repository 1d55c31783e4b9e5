/** A call goes on in another dialog: through hibernations, and whatever the pages of `dlg_list` say of the former one. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import type { Client } from '../../testing/client.ts';
import { dialogEvent, scriptByMethod } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';

const [CHALLENGED, STANDING] = ['id.1', 'id.2'];

/** Returns the call of the site, as CallGet does. */
async function callOf(client: Client, callid = 'c1') {
  const { result } = (await client.request('CallGet', { callid })) as unknown as {
    result?: { call: { state: string; seq: number }; timeline: { event: string }[] };
  };
  return result && { ...result.call, events: result.timeline.map(({ event }) => event) };
}

const activeCallids = async (client: Client) => {
  const { result } = await client.request('CallList', { state: ['ringing', 'answered'] });
  return (result as unknown as { calls: { callid: string }[] }).calls.map(({ callid }) => callid);
};

const listed = (ID: string | undefined, state: number) => ({
  ID,
  state,
  timestart: 0,
  callid: 'c1',
  from_uri: 'sip:a@b',
  to_uri: 'sip:b@a',
});

/** An OpenSIPS that lists these dialogs, and knows no call by its Call-ID. */
const listing = (...dialogs: object[]) =>
  scriptByMethod({
    dlg_list: (callid, { params }) =>
      callid === ''
        ? { reply: { count: dialogs.length, Dialogs: dialogs.slice(Number(params['index'])) } }
        : { outcome: 'timeout' },
  });

it('goes on after a hibernation, in lists too, and no event of the former dialog ends it', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(scriptByMethod({ dlg_list: () => ({ outcome: 'timeout' }) }));
  await adapter.raiseEvent(dialogEvent('c1', 1, 5, CHALLENGED));
  const client = await site.client();
  await expect.poll(async () => (await callOf(client))?.state).toBe('ended');
  await evictDurableObject(site.object);
  await adapter.raiseEvent(dialogEvent('c1', 1, 2, STANDING));
  await expect.poll(() => activeCallids(client)).toEqual(['c1']);
  await evictDurableObject(site.object);
  await adapter.raiseEvent(dialogEvent('c1', 1, 5, CHALLENGED));
  await adapter.raiseEvent(dialogEvent('c1', 2, 3, STANDING));
  await expect.poll(async () => (await callOf(client))?.state).toBe('answered');
  expect(await callOf(client)).toMatchObject({ events: ['Ended', 'Ringing', 'Answered'] });
  expect(await callOf(client)).not.toHaveProperty('ended');
  adapter.close();
});

it.each([
  ['first', [listed(CHALLENGED, 5), listed(STANDING, 4)]],
  ['last', [listed(STANDING, 4), listed(CHALLENGED, 5)]],
])('is not ended by a round whose pages list the former dialog %s', async (_, dialogs) => {
  const site = new TestSite();
  const adapter = await site.adapter(listing(...dialogs));
  await adapter.raiseEvent(dialogEvent('c1', 1, 5, CHALLENGED));
  const client = await site.client();
  // The event of the second dialog is lost. The list is read because a client has read the calls.
  await expect.poll(() => activeCallids(client)).toEqual(['c1']);
  expect(await callOf(client)).toMatchObject({ state: 'answered', caller: 'sip:a@b' });
  adapter.close();
});
