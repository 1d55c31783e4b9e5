/** `Diagnose`: how the site stands, as far as it can be asked. */
import { expect, it } from 'vitest';
import { EVENT_NAMES } from '../shared/evi.ts';
import { type Beat, ScriptedAdapter } from './testing/adapter.ts';
import { Client } from './testing/client.ts';

const subscriptions = {
  Events: EVENT_NAMES.map((name, id) => ({
    name,
    id,
    Subscribers: [{ socket: 'udp:127.0.0.1:5061', expire: 60, ttl: 42 }, { route: 'script' }],
  })),
};
const answers: Readonly<Record<string, unknown>> = {
  uptime: { Now: 'now', 'Up since': 'Mon Nov 23 09:34:42 2026', 'Up time': '7 [sec]' },
  which: ['t_uac_dlg', 'dialog:list', 'dlg_end_dlg', 'call_transfer', 'call_hold'],
  subscribers_list: subscriptions,
};

/** As an adapter answers: what has no time to live is not run. */
const answering = ({ method, ttl_ms }: { method: string; ttl_ms: number }): Beat =>
  ttl_ms === 0 ? { outcome: 'expired' } : { reply: answers[method] };

it('tells how the link and OpenSIPS stand, which commands are missing, and what is subscribed', async () => {
  const adapter = await ScriptedAdapter.connect(answering, { adapter: 'here' });
  const client = await Client.connect();
  expect((await client.ask('Diagnose')).result).toEqual({
    time: expect.any(Number),
    link: {
      connected: true,
      adapter: 'here',
      seconds: expect.any(Number),
      round_trip_ms: expect.any(Number),
    },
    opensips: { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true },
    up_since: 'Mon Nov 23 09:34:42 2026',
    missing: [{ module: 'callops', command: 'call_unhold' }],
    subscriptions: EVENT_NAMES.map((event) => ({ event, ttl: 42 })),
    unanswered: {},
  });
  adapter.close();
});

it('says why something could not be asked', async () => {
  const adapter = await ScriptedAdapter.connect(({ method }) =>
    method === 'which' ? { outcome: 'refused' } : { error: { code: 500, message: 'Internal error' } },
  );
  const client = await Client.connect();
  expect((await client.ask('Diagnose')).result).toMatchObject({
    link: { connected: true },
    unanswered: { which: 'refused', uptime: '500 Internal error', subscribers_list: '500 Internal error' },
  });
  adapter.close();
});

it('without an adapter it says so at once', async () => {
  const client = await Client.connect();
  const { result } = await client.ask('Diagnose');
  expect(result).toEqual({ time: expect.any(Number), link: { connected: false }, unanswered: {} });
});

it('an adapter that leaves in the middle of it keeps nobody waiting', async () => {
  const adapter = await ScriptedAdapter.connect(() => {
    adapter.close();
    return {};
  });
  const client = await Client.connect();
  expect((await client.ask('Diagnose')).result).toMatchObject({ link: { connected: false } });
});

it('tells when an event has come', async () => {
  const adapter = await ScriptedAdapter.connect(answering);
  await adapter.raise({
    name: 'E_DLG_STATE_CHANGED',
    params: { id: '1', callid: 'unknown', old_state: 1, new_state: 2 },
  });
  const client = await Client.connect();
  expect((await client.ask('Diagnose')).result).toMatchObject({ last_event_ms: expect.any(Number) });
  adapter.close();
});
