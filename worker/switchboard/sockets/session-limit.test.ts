/** The limit of open sockets for each subject, `sessions_per_subject`. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { clientPrincipal, policy, TestSite } from '../../testing/site.ts';
import { acceptSocket } from '../../testing/sockets.ts';

it('refuses a socket beyond the limit until another has closed, and accepts those of other subjects', async () => {
  const site = new TestSite();
  const limited = policy({ sessions_per_subject: 2 });
  const first = await site.client({ policy: limited });
  const second = await site.client({ policy: limited });
  const refused = await site.requestSocket(clientPrincipal({ policy: limited }));
  expect(refused.status).toBe(429);
  expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
  expect(await refused.json()).toMatchObject({
    status: 429,
    detail: expect.stringContaining('2 open connections'),
  });
  const other = await site.client({ policy: limited, subject: 'key:other' });
  expect(await other.request('Echo')).toMatchObject({ result: { event: 'Started' } });
  await evictDurableObject(site.object);
  expect((await site.requestSocket(clientPrincipal({ policy: limited }))).status).toBe(429);
  second.socket.close();
  await second.socket.closed;
  const third = await site.client({ policy: limited });
  expect(await third.request('Echo')).toMatchObject({ result: { event: 'Started' } });
  expect(await first.request('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('does not count the older socket of a session that reconnects', async () => {
  const site = new TestSite();
  const options = { session: 'mine', policy: policy({ sessions_per_subject: 1 }) };
  const first = await site.client(options);
  const second = await site.client(options);
  expect(await first.socket.closed).toMatchObject({ code: 4408 });
  expect(await second.request('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('counts a socket that the edge has closed until its client has ended it', async () => {
  const site = new TestSite();
  const principal = clientPrincipal({ session: 'mine', policy: policy({ sessions_per_subject: 1 }) });
  /** A client whose network is gone: it reads nothing and answers no Close frame. */
  const connect = async () => {
    const response = await site.requestSocket(principal);
    return { status: response.status, end: async () => (await acceptSocket(response)).closed };
  };
  const [first, , last] = [await connect(), await connect(), await connect()];
  expect(last.status).toBe(101);
  expect((await connect()).status).toBe(429);
  expect(await first.end()).toMatchObject({ code: 4408 });
  await expect.poll(async () => (await connect()).status).toBe(101);
});
