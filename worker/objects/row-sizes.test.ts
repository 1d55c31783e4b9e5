/** No row of any table of any object has more than 1 MB, whatever its clients, its adapter, its phones and its receivers send. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { DIRECTORY_NAME } from '../tenant/directory.ts';
import type { ScriptedReply } from '../testing/adapter.ts';
import { eventually } from '../testing/eventually.ts';
import { largestRows, MAX_ROW_BYTES } from '../testing/row-sizes.ts';
import { dialogEvent, holdEvent, scriptByMethod } from '../testing/scenarios.ts';
import { policy, TestSite } from '../testing/site.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The longest that each schema accepts; most have three bytes a character. */
const LONG_CALLID = (n: number) => `${n}`.padEnd(4_096, 'c');
const LONG_URI = (user: string) => `sip:${user.padEnd(400, '0')}@${'h'.repeat(60)}.example.com`;
const LONG_METADATA = { text: '語'.repeat(675) };
const LONG_RULES = {
  allow: [],
  deny: Array.from({ length: 250 }, (_, n) => `${n}`.padEnd(62, '1').concat('@*')),
};
/** No message of OpenSIPS is longer than a UDP datagram. */
const DATAGRAM_TEXT = '語'.repeat(20_000);

/** Expects every row of an object to be small, and no table to be empty except these, whose rows have a few numbers. */
async function expectSmallRows(
  object: DurableObjectStub,
  empty: readonly string[] = [],
): Promise<Record<string, number>> {
  const largest = await runInDurableObject(object, (_, { storage }) => largestRows(storage.sql));
  for (const [table, bytes] of Object.entries(largest))
    expect(bytes, table).toBeLessThanOrEqual(MAX_ROW_BYTES);
  const unexpected = Object.keys(largest).filter((table) => largest[table] === 0 && !empty.includes(table));
  expect(unexpected).toEqual([]);
  return largest;
}

const notFound: ScriptedReply = { error: { code: 404, message: DATAGRAM_TEXT } };

it('of a site whose clients send the longest commands, and whose phones report without end', async () => {
  const site = new TestSite();
  const newCall = LONG_CALLID(0);
  const transferEvent = (callid: string, state: string, status: string) => ({
    name: 'E_CALL_TRANSFER' as const,
    params: { callid, transfer_callid: newCall, destination: `sip:${DATAGRAM_TEXT}`, state, status },
  });
  let firstLeg = '';
  const adapter = await site.adapter(
    scriptByMethod({
      t_uac_dlg: (callid) => {
        if (firstLeg !== '') return {};
        firstLeg = callid;
        return {
          before: [dialogEvent(callid, 1, 2), dialogEvent(callid, 2, 3)],
          reply: { Status: '200 OK', RURI: `sip:${'x'.repeat(30_000)}@h`, Routes: ['<sip:h;lr;did=1.2>'] },
          after: [dialogEvent(callid, 3, 4)],
        };
      },
      call_transfer: (callid, { params }) =>
        params['transfer_callid'] === undefined
          ? { reply: 'Accepted', after: [transferEvent(callid, 'start', '')] }
          : notFound,
      call_hold: () => ({ reply: 'OK' }),
      dlg_end_dlg: () => notFound,
      dlg_list: () => ({ outcome: 'timeout' }),
    }),
  );
  const client = await site.client({
    expires: Date.now() + 3_600_000,
    acknowledges: true,
    policy: policy({
      messages_per_second: 10_000,
      tenant_messages_per_second: 100_000,
      unread_bytes: 16_777_216,
    }),
  });
  const params = {
    caller: LONG_URI('alice'),
    callee: LONG_URI('bob'),
    display: '語'.repeat(64),
    headers: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`X-${n}`, 'v'.repeat(256)])),
    metadata: LONG_METADATA,
  };
  const watcher = await site.client();
  await watcher.request('CallWatch', {});
  for (let n = 0; n < 16; n++) await watcher.request('CallWatch', { callid: LONG_CALLID(n).slice(0, 200) });
  expect(await client.request('CallStart', { ...params, cmd_id: 'start' })).toMatchObject({ result: {} });
  await eventually(async () => {
    const { result } = await site.object
      .health('key-1')
      .then(async () => (await site.client()).request('CommandGet', { cmd_id: 'start' }));
    expect(JSON.stringify(result)).toContain('TransferStart');
  });
  for (let n = 0; n < 200; n++)
    await adapter.raiseEvent(transferEvent(firstLeg, 'notify', `183 ${n} ${DATAGRAM_TEXT}`));
  // Holds of legs that do not exist, and transfers of calls that do not.
  await client.request('CallHold', { callid: newCall, metadata: LONG_METADATA });
  for (let n = 0; n < 100; n++) await adapter.raiseEvent(holdEvent(newCall, `${n}${DATAGRAM_TEXT}`, 'start'));
  await client.request('CallAttendedTransfer', {
    callidA: LONG_CALLID(1),
    legA: 'caller',
    callidB: LONG_CALLID(2),
    legB: 'callee',
    destination: LONG_URI('carol'),
    metadata: LONG_METADATA,
  });
  // A ringing call, and many clients that want its end.
  await client.request('CallStart', { ...params, cmd_id: 'rings' });
  const ends = Array.from({ length: 100 }, (_, id) => ({
    ...{ jsonrpc: '2.0', id, method: 'CallEnd' },
    params: { callid: 'rings', metadata: LONG_METADATA },
  }));
  for (let n = 0; n < 5; n++) client.socket.send(JSON.stringify(ends));
  // Many calls in one turn, many dialogs of one call, and many changes of another.
  for (let frame = 0; frame < 4; frame++)
    adapter.raiseEvents(
      Array.from({ length: 100 }, (_, n) => dialogEvent(LONG_CALLID(1_000 + 100 * frame + n), 1, 2, `${n}`)),
    );
  adapter.raiseEvents(
    Array.from({ length: 100 }, (_, n) => dialogEvent(LONG_CALLID(1_000), 1, 2, `${n}`.padEnd(100, '0'))),
  );
  for (let n = 0; n < 300; n++)
    await adapter.raiseEvent(holdEvent(LONG_CALLID(1_001), 'caller', 'ok', n % 2 === 0 ? 'hold' : 'unhold'));
  await site.object.applyPolicy(policy({}, { version: 9, rules: [LONG_RULES, LONG_RULES] }));
  await site.object.revokeKey('k'.repeat(32));
  await site.object.enableWebhooks(`${site.tenant}/main`);
  const other = await site.client({ key: 'key-2' });
  await eventually(async () => {
    const { result } = await other.request('CallGet', { callid: LONG_CALLID(1_001) });
    expect((result as unknown as { timeline: unknown[] }).timeline.length).toBeGreaterThanOrEqual(200);
  });
  await runInDurableObject(site.object, (instance) => instance.flushToWebhooks().catch(() => {}));
  const largest = await expectSmallRows(site.object, [
    'dialing',
    'link_position',
    'webhook_subscription',
    'clock_set_back',
    'reconcile_times',
    'write_probe',
    // Names of ended commands, which are written many at once: at most 100,000 in a segment, with some 20 bytes each, in four rows.
    'names_1',
  ]);
  expect(largest['log_1']).toBeGreaterThan(20_000);
  expect(largest['calls_1']).toBeGreaterThan(50_000);
});

const ADMIN = { Authorization: `Bearer ${env.ADMIN_SECRET}` };

/** Sends a request to the admin API, with the longest fields that an audit trail takes from it. */
async function admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const headers = { ...ADMIN, 'X-Actor': 'a'.repeat(8_000), 'CF-Connecting-IP': '1'.repeat(8_000) };
  const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
  const response = await exports.default.fetch(new Request(`http://localhost/v1/admin${path}`, init));
  const answer = (await response.json()) as Record<string, unknown>;
  expect(response.ok, JSON.stringify(answer).slice(0, 500)).toBe(true);
  return answer;
}

it('of a tenant and the directory, with the longest settings', async () => {
  const tenant = 't'.repeat(32);
  const origins = Array.from({ length: 100 }, (_, n) => `https://${`${n}`.padEnd(60, 'o')}.example`);
  const bounds = {
    webhook_hosts: Array.from({ length: 100 }, (_, n) => `${n}.${'h'.repeat(60)}.${'h'.repeat(60)}.example`),
    origins: Array.from({ length: 100 }, (_, n) => `https://${`${n}`.padEnd(240, 'o')}`),
  };
  await admin('POST', '/tenants', { id: tenant, rules: LONG_RULES, origins, bounds });
  expect(await admin('POST', '/administrators', { name: 'n'.repeat(32), role: 'operate' })).toMatchObject({
    role: 'operate',
  });
  await admin('POST', `/tenants/${tenant}/sites`, {
    id: 's'.repeat(32),
    rules: LONG_RULES,
    location: 'weur',
  });
  for (let n = 0; n < 3; n++) await admin('POST', `/tenants/${tenant}/keys`, { role: 'api' });
  const { keys } = (await admin('GET', `/tenants/${tenant}/keys`)) as { keys: { id: string }[] };
  await admin('POST', `/tenants/${tenant}/keys/${keys[0]?.id}/rotate`, { grace: 604_800 });
  await admin('DELETE', `/tenants/${tenant}/keys/${keys[1]?.id}`);
  await expectSmallRows(env.TENANT.get(env.TENANT.idFromName(tenant)));
  await expectSmallRows(env.DIRECTORY.get(env.DIRECTORY.idFromName(DIRECTORY_NAME)));
});

it('of the webhooks of a site, whose secrets are rotated and whose receivers fail with long answers', async () => {
  const tenant = 'long-webhooks';
  await admin('POST', '/tenants', { id: tenant });
  await admin('POST', `/tenants/${tenant}/sites`, { id: 'main' });
  const path = `/tenants/${tenant}/sites/main/webhooks`;
  let retryAfter = '1';
  vi.spyOn(globalThis, 'fetch').mockImplementation(
    async () =>
      new Response('x'.repeat(1_000_000), {
        status: 500,
        statusText: 'x'.repeat(8_000),
        headers: { 'Retry-After': retryAfter, Location: 'x'.repeat(8_000) },
      }),
  );
  const { id } = await admin('POST', path, {
    url: `https://hooks.example/${'u'.repeat(2_000)}`,
    description: '語'.repeat(256),
    events: Array.from({ length: 50 }, () => 'c*'.padEnd(64, '*')),
    addresses: Array.from({ length: 100 }, () => 'a'.repeat(126).concat('@*')),
  });
  const { id: other } = await admin('POST', path, { url: 'https://other.example/' });
  for (let n = 0; n < 200; n++) await admin('POST', `${path}/${id}/rotate`, { grace: 604_800 });
  const site = new TestSite(tenant);
  await site.adapter(
    scriptByMethod({ dlg_end_dlg: () => notFound, dlg_list: () => ({ outcome: 'timeout' }) }),
  );
  const client = await site.client();
  for (let n = 0; n < 10; n++)
    await client.runStored({ callid: LONG_CALLID(n), metadata: LONG_METADATA, cmd_id: `${n}` });
  const object = env.WEBHOOKS.get(env.WEBHOOKS.idFromName(`${tenant}/main`));
  await eventually(async () =>
    expect((await admin('GET', `${path}/${other}`))['waiting']).toBeGreaterThan(0),
  );
  for (let n = 1; n <= 12; n++) {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + n * 3_600_000 });
    await runDurableObjectAlarm(object);
    vi.useRealTimers();
  }
  // While an endpoint is quiet, its events stay in the log.
  retryAfter = '3600';
  await admin('POST', `${path}/${id}/test`);
  await eventually(async () => expect((await admin('GET', `${path}/${id}`))['quiet_until']).not.toBeNull());
  await client.runStored({ callid: LONG_CALLID(0) });
  await eventually(async () => expect((await admin('GET', `${path}/${id}`))['behind']).toBeGreaterThan(0));
  const { endpoints } = await expectSmallRows(object);
  // However many there were, only the newest secrets sign.
  expect(endpoints).toBeLessThan(50_000);
});
