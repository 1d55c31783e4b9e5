import { afterEach, expect, it, vi } from 'vitest';
import { Limits } from '../../../shared/policy/policy.ts';
import { advanceClock, freezeClock } from '../../testing/clock.ts';
import { createHttpClient } from '../../testing/http.ts';
import { clientPrincipal, policy, TestSite } from '../../testing/site.ts';
import { FloodGuard } from './flood-guard.ts';

afterEach(() => void vi.useRealTimers());

it('closes the socket of a flooding client and blocks its subject for 10 s, but no other subject of the site', async () => {
  freezeClock();
  const site = new TestSite();
  const limited = policy({ messages_per_second: 1 });
  const flooding = await site.client({ policy: limited, subject: 'flooding' });
  const other = await site.client({ policy: limited, subject: 'other' });
  for (let n = 0; n < 2; n++) {
    await flooding.request('Echo');
    await flooding.untilEnded();
  }
  for (let n = 0; n < 20; n++)
    expect(await flooding.request('Echo')).toMatchObject({
      error: { code: -32003, data: { limit: 'messages_per_second' } },
    });
  flooding.socket.send('{"jsonrpc":"2.0","id":99,"method":"Echo"}');
  expect(await flooding.socket.closed).toMatchObject({ code: 4429 });
  const reconnect = () => site.requestSocket(clientPrincipal({ policy: limited, subject: 'flooding' }));
  const refused = await reconnect();
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '10']);
  expect(await other.request('Echo')).toMatchObject({ result: { event: 'Started' } });
  advanceClock(10_000);
  expect((await reconnect()).status).toBe(101);
});

it('closes every socket of a subject that floods over many, none of which sends much', async () => {
  freezeClock();
  const site = new TestSite();
  const limited = policy({ messages_per_second: 1 });
  const flooding = await Promise.all(
    Array.from({ length: 50 }, () => site.client({ policy: limited, subject: 'flooding' })),
  );
  const other = await site.client({ policy: limited, subject: 'other' });
  for (const { socket } of flooding) socket.send('{"jsonrpc":"2.0","id":1,"method":"Echo"}');
  for (const { socket } of flooding) expect(await socket.closed).toMatchObject({ code: 4429 });
  expect(await other.request('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('closes the sockets of a subject that floods over HTTP', async () => {
  freezeClock();
  const site = new TestSite();
  const limited = policy({ messages_per_second: 1 });
  const client = await site.client({ policy: limited, subject: 'sub:flooding' });
  const request = await createHttpClient(site, { subject: 'sub:flooding' }, limited);
  const batch = Array.from({ length: 100 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'Echo' }));
  for (let n = 0; n < 3; n++) await request('POST', '/v1/rpc', batch);
  expect(await client.socket.closed).toMatchObject({ code: 4429 });
});

it('counts a long message as many, because it has been read', async () => {
  freezeClock();
  const site = new TestSite();
  const client = await site.client({ policy: policy({ messages_per_second: 1 }) });
  const long = JSON.stringify({ jsonrpc: '2.0', method: 'Echo', params: { text: 'x'.repeat(60_000) } });
  for (let n = 0; n < 4; n++) client.socket.send(long);
  expect(await client.socket.closed).toMatchObject({ code: 4429 });
});

it('blocks the subjects of a tenant that flood together, none of which sends much', async () => {
  freezeClock();
  const site = new TestSite();
  const limited = policy({ messages_per_second: 1, tenant_messages_per_second: 2 });
  const clients = [];
  for (let n = 0; n < 30; n++) clients.push(await site.client({ policy: limited, subject: `minted ${n}` }));
  for (const { socket } of clients)
    for (let n = 0; n < 4; n++) socket.send('{"jsonrpc":"2.0","method":"Echo"}');
  expect(await clients.at(-1)?.socket.closed).toMatchObject({ code: 4429 });
});

it('keeps a subject that is refused a few times while others of its tenant flood', async () => {
  freezeClock();
  const site = new TestSite();
  const limited = policy({ messages_per_second: 10, tenant_messages_per_second: 2 });
  const bystander = await site.client({ policy: limited, subject: 'bystander' });
  const clients = [];
  for (let n = 0; n < 30; n++) clients.push(await site.client({ policy: limited, subject: `minted ${n}` }));
  for (const { socket } of clients)
    for (let n = 0; n < 6; n++) socket.send('{"jsonrpc":"2.0","method":"Echo"}');
  expect(await clients.at(-1)?.socket.closed).toMatchObject({ code: 4429 });
  for (let n = 0; n < 3; n++)
    expect(await bystander.request('Echo')).toMatchObject({
      error: { data: { limit: 'tenant_messages_per_second' } },
    });
  advanceClock(5_000);
  expect(await bystander.request('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('blocks nobody for longer after the clock was set back', () => {
  const guard = new FloodGuard();
  const now = 86_400_000;
  const limits = Limits.parse({ messages_per_second: 1 });
  expect(guard.onRejected('flooding', { requests: 1_000, characters: 0 }, limits, now)).toBe(false);
  expect(guard.onRejected('flooding', { requests: 1, characters: 0 }, limits, now)).toBe(true);
  expect(guard.isBlocked('flooding', now)).toBe(true);
  expect(guard.isBlocked('flooding', now - 3_600_000)).toBe(false);
});
