/** `Diagnose`: the state of the site, as far as OpenSIPS answers. */
import { expect, it } from 'vitest';
import { EVENT_NAMES } from '../../../shared/opensips/evi.ts';
import { ScriptedAdapter, type ScriptedReply } from '../../testing/adapter.ts';
import { Client } from '../../testing/client.ts';
import { policy, TestSite } from '../../testing/site.ts';

const NO_ANSWER = 'no answer of the adapter';
const SUBSCRIPTIONS = {
  Events: EVENT_NAMES.map((name, id) => ({
    name,
    id,
    Subscribers: [{ socket: 'udp:127.0.0.1:5061', expire: 60, ttl: 42 }, { route: 'script' }],
  })),
};
const RESULTS: Readonly<Record<string, unknown>> = {
  uptime: { Now: 'now', 'Up since': 'Mon Nov 23 09:34:42 2026', 'Up time': '7 [sec]' },
  which: ['t_uac_dlg', 'dialog:list', 'dlg_end_dlg', 'call_transfer', 'call_hold'],
  subscribers_list: SUBSCRIPTIONS,
};

/** Replies as an adapter does: it does not run a request without a time to live. */
const diagnosticReply = ({ method, ttl_ms }: { method: string; ttl_ms: number }): ScriptedReply =>
  ttl_ms === 0 ? { outcome: 'expired' } : { reply: RESULTS[method] };

it('returns the state of the link and of OpenSIPS, its missing commands and its subscriptions', async () => {
  const adapter = await ScriptedAdapter.connect(diagnosticReply, { adapter: 'here' });
  const client = await Client.connect();
  expect((await client.request('Diagnose')).result).toEqual({
    time: expect.any(Number),
    link: {
      connected: true,
      adapter: 'here',
      seconds: expect.any(Number),
      round_trip_ms: expect.any(Number),
      adapters: [{ adapter: 'here', role: 'active', reachable: true, seconds: expect.any(Number) }],
    },
    opensips: { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true },
    up_since: 'Mon Nov 23 09:34:42 2026',
    missing: [{ module: 'callops', command: 'call_unhold' }],
    missing_recommended: [{ module: 'dialog', command: 'dlg_send_sequential' }],
    subscriptions: EVENT_NAMES.map((event) => ({ event, ttl: 42 })),
    unanswered: {},
  });
  adapter.close();
});

it('returns why a question has no answer', async () => {
  const adapter = await ScriptedAdapter.connect(({ method }) =>
    method === 'which' ? { outcome: 'refused' } : { error: { code: 500, message: 'Internal error' } },
  );
  const client = await Client.connect();
  expect((await client.request('Diagnose')).result).toMatchObject({
    link: { connected: true },
    unanswered: { which: 'refused', uptime: '500 Internal error', subscribers_list: '500 Internal error' },
  });
  adapter.close();
});

it('answers at once without an adapter', async () => {
  const client = await Client.connect();
  const { result } = await client.request('Diagnose');
  expect(result).toEqual({ time: expect.any(Number), link: { connected: false }, unanswered: {} });
});

it('answers when the adapter disconnects before it has replied', async () => {
  const adapter = await ScriptedAdapter.connect(() => {
    adapter.close();
    return {};
  });
  const client = await Client.connect();
  expect((await client.request('Diagnose')).result).toMatchObject({ link: { connected: false } });
});

it('answers within two seconds on a half-open link, and says what was not answered', async () => {
  const adapter = await ScriptedAdapter.connect(() => ({}));
  const client = await Client.connect();
  const responses = await Promise.all([client.request('Diagnose'), client.request('Diagnose')]);
  for (const { result } of responses) {
    expect(result).toMatchObject({
      link: { connected: true },
      unanswered: { uptime: NO_ANSWER, which: NO_ANSWER, subscribers_list: NO_ANSWER },
    });
    expect(result).not.toHaveProperty('link.round_trip_ms');
  }
  expect((await client.request('Diagnose')).result).toMatchObject({ unanswered: { which: NO_ANSWER } });
  adapter.close();
});

it('returns how long ago the last event arrived', async () => {
  const adapter = await ScriptedAdapter.connect(diagnosticReply);
  await adapter.raiseEvent({
    name: 'E_DLG_STATE_CHANGED',
    params: { id: '1', callid: 'unknown', old_state: 1, new_state: 2 },
  });
  const client = await Client.connect();
  expect((await client.request('Diagnose')).result).toMatchObject({ last_event_ms: expect.any(Number) });
  adapter.close();
});

it('asks each adapter that serves the site, and says which one does not answer', async () => {
  const site = new TestSite();
  const fields = { active_adapters: { replicated_dialogs: false } };
  const one = await site.adapter(diagnosticReply, { adapter: 'one', fields });
  const two = await site.adapter(({ ttl_ms }) => (ttl_ms === 0 ? { outcome: 'expired' } : {}), {
    adapter: 'two',
    fields,
  });
  const client = await site.client({ policy: policy({}, { version: 0, ...fields }) });
  const { result } = await client.request('Diagnose');
  expect(result).toMatchObject({
    link: { adapter: 'one', round_trip_ms: expect.any(Number) },
    up_since: expect.any(String),
    unanswered: {},
    others: [
      {
        adapter: 'two',
        round_trip_ms: expect.any(Number),
        opensips: { reachable: true },
        unanswered: { uptime: NO_ANSWER, which: NO_ANSWER, subscribers_list: NO_ANSWER },
      },
    ],
  });
  expect(result).not.toHaveProperty('others.0.up_since');
  // One that is lost before it has answered.
  const lost = client.request('Diagnose');
  two.close();
  expect((await lost).result).toMatchObject({ link: { adapter: 'one' }, up_since: expect.any(String) });
  one.close();
});
