/** Every call that is listed can be addressed, however long its Call-ID is, within the limit of a Call-ID. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { MAX_CALL_ID_LENGTH } from '../../shared/protocol/rpc/field-types.ts';
import { createHttpClient } from '../testing/http.ts';
import { dialogEvent, scriptByMethod } from '../testing/scenarios.ts';
import { TestSite } from '../testing/site.ts';

it.each([
  ['3,000 characters', `${'a'.repeat(2_990)}@127.0.0.1`],
  ['the longest, which a URL has three times as long', `${'<'.repeat(MAX_CALL_ID_LENGTH - 2)}@h`],
])('lists, shows, watches and ends a call whose Call-ID has %s', async (_, callid) => {
  const site = new TestSite();
  const adapter = await site.adapter(
    scriptByMethod({
      dlg_list: () => ({ outcome: 'timeout' }),
      dlg_end_dlg: (ended) => ({ reply: 'OK', after: [dialogEvent(ended, 4, 5)] }),
    }),
  );
  await adapter.raiseEvent(dialogEvent(callid, 1, 2));
  const client = await site.client();
  const request = await createHttpClient(site);
  const listed = async () => {
    const { result } = await client.request('CallList', {});
    return (result as unknown as { calls: { callid: string; state: string }[] }).calls;
  };
  await expect.poll(listed).toMatchObject([{ callid, state: 'ringing' }]);
  expect(await client.request('CallGet', { callid })).toMatchObject({ result: { call: { callid } } });
  expect(await client.request('CallWatch', { callid })).toMatchObject({ result: { calls: [{ callid }] } });
  await evictDurableObject(site.object);
  await adapter.raiseEvent(dialogEvent(callid, 2, 4));
  expect(await client.socket.next()).toMatchObject({ params: { event: 'Answered', call: { callid } } });
  const path = `/v1/calls/${encodeURIComponent(callid)}`;
  expect((await request('GET', path)).body.call).toMatchObject({ callid, state: 'answered' });
  const { status, headers } = await request('DELETE', path);
  expect(status).toBe(202);
  const { body } = await request('GET', `${headers.get('Location')}?wait=60`);
  expect(body.events?.map(({ event }) => event)).toEqual(['Ended']);
  const ended = await client.socket.next<{ method: string; params: object }>();
  expect(ended).toMatchObject({
    method: 'Call',
    params: { event: 'Ended', call: { callid, ended_by: 'api', reason: 'ended by CallEnd' } },
  });
  adapter.close();
});
