/** Adapters of other releases connect, or are told which side must be updated. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { version as release } from '../../../package.json';
import type { EdgeMessage } from '../../../shared/protocol/link.ts';
import { statefulCalls } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';
import { acceptSocket } from '../../testing/sockets.ts';

const OPENSIPS = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
const NEW_FIELDS = {
  versions: { min: 1, max: 7 },
  features: ['telepathy', 'telepathy'],
  software: { version: '0.9.0', node: '31.0.0' },
};

/** The `hello` of an adapter of 0.2.0. */
const helloOf = (fields: object) => ({
  type: 'hello',
  version: 1,
  adapter: 'sbc',
  stream: crypto.randomUUID(),
  base: 1,
  opensips: OPENSIPS,
  ...fields,
});

/** Connects an adapter that sends this message first. */
async function connect(site: TestSite, message: object) {
  const principal = { role: 'adapter', key: 'adapter-key', policy: policy({}, { version: 0 }) } as const;
  const socket = await acceptSocket(await site.requestSocket(principal));
  socket.send(JSON.stringify(message));
  return socket;
}

const linkOf = async (site: TestSite) => (await site.object.health('key-1'))?.link;

it('welcomes an adapter of 0.2.0, which has no range, features and versions', async () => {
  const site = new TestSite();
  const socket = await connect(site, helloOf({}));
  const first = await socket.next<EdgeMessage | EdgeMessage[]>();
  expect([first].flat()[0]).toMatchObject({ type: 'welcome', version: 1, applied: 0 });
  const link = await linkOf(site);
  expect(link).toMatchObject({ connected: true, adapter: 'sbc' });
  expect(link).not.toHaveProperty('adapter_version');
  socket.close();
});

it('uses the highest common version, ignores unknown features, and says what it is', async () => {
  const site = new TestSite();
  const socket = await connect(site, helloOf({ ...NEW_FIELDS, color: 'red' }));
  const first = await socket.next<EdgeMessage | EdgeMessage[]>();
  expect([first].flat()[0]).toMatchObject({
    type: 'welcome',
    version: 1,
    versions: { min: 1, max: 1 },
    features: ['E_CALL_REFUSED', 'E_CALL_BYE', 'release', 'interest'],
    software: { version: release },
  });
  socket.close();
});

it('tells an adapter that takes it which calls are waited for: with its requests, and after a hibernation again', async () => {
  const site = new TestSite();
  const socket = await connect(site, helloOf({ features: ['interest'] }));
  const nextFrame = async () => [await socket.next<EdgeMessage | EdgeMessage[]>()].flat();
  expect(await nextFrame()).toMatchObject([{ type: 'welcome' }, { type: 'interest', all: false }]);
  const client = await site.client();
  await client.request('CallEnd', { callid: 'one' });
  expect(await nextFrame()).toMatchObject([
    { type: 'interest', add: ['one'] },
    { type: 'mi', method: 'dlg_end_dlg' },
  ]);
  await client.request('CallWatch', {});
  expect((await nextFrame())[0]).toEqual({ type: 'interest', all: true });
  await evictDurableObject(site.object);
  await client.request('CallEnd', { callid: 'two' });
  const sent: EdgeMessage[] = [];
  await expect
    .poll(async () => {
      sent.push(...(await nextFrame()));
      return sent.find(({ type }) => type === 'interest');
    })
    .toEqual({ type: 'interest', all: true, add: ['one', 'two'] });
  socket.close();
});

it('tells an adapter without the feature nothing of that', async () => {
  const site = new TestSite();
  const socket = await connect(site, helloOf({ features: ['telepathy'] }));
  const first = await socket.next<EdgeMessage | EdgeMessage[]>();
  await (await site.client()).request('CallEnd', { callid: 'one' });
  const second = await socket.next<EdgeMessage | EdgeMessage[]>();
  expect([first, second].flat().map(({ type }) => type)).toEqual(['welcome', 'mi']);
  socket.close();
});

it('shows the versions of the adapter and its Node.js, after a hibernation too', async () => {
  const site = new TestSite();
  const socket = await connect(site, helloOf(NEW_FIELDS));
  await socket.next();
  const expected = { connected: true, adapter_version: '0.9.0', node_version: '31.0.0' };
  expect(await linkOf(site)).toMatchObject(expected);
  await evictDurableObject(site.object);
  expect(await linkOf(site)).toMatchObject(expected);
  const client = await site.client();
  const { result } = await client.request('Diagnose');
  expect(result).toMatchObject({ link: expected });
  expect(result).not.toHaveProperty('link.opensips');
  socket.close();
});

it.each([
  [
    'newer',
    helloOf({ ...NEW_FIELDS, version: 2, versions: { min: 2, max: 3 } }),
    'Link version: adapter 2 to 3, edge 1. Update the edge to 0.9.0.',
  ],
  ['older', helloOf({ version: 0 }), `Link version: adapter 0, edge 1. Update the adapter to ${release}.`],
])('refuses an adapter that is too much %s, and names the side to update', async (_, hello, reason) => {
  const site = new TestSite();
  const current = await site.adapter(statefulCalls('one'));
  const socket = await connect(site, hello);
  expect(await socket.closed).toMatchObject({ code: 4406, reason });
  // The one that is connected stays.
  expect(await linkOf(site)).toMatchObject({ connected: true, adapter: 'test' });
  current.close();
});

it('refuses ranges that are none', async () => {
  const socket = await connect(new TestSite(), helloOf({ versions: { min: 2, max: 1 } }));
  expect(await socket.closed).toMatchObject({ code: 4400, reason: expect.stringContaining('versions') });
});

const check = (fields: object = {}) => ({
  type: 'check',
  version: 1,
  versions: { min: 1, max: 1 },
  software: { version: '0.3.0' },
  ...fields,
});

it('answers a check without touching the site', async () => {
  const site = new TestSite();
  const alone = await connect(site, check());
  expect(await alone.next()).toEqual({
    type: 'checked',
    version: 1,
    versions: { min: 1, max: 1 },
    software: { version: release },
  });
  expect(await alone.closed).toMatchObject({ code: 1000 });
  expect(await linkOf(site)).toEqual({ connected: false });
  const current = await site.adapter(statefulCalls('one'));
  const beside = await connect(site, check());
  expect(await beside.next()).toMatchObject({ type: 'checked', adapter: 'test' });
  const tooNew = await connect(site, check({ version: 2, versions: { min: 2, max: 2 } }));
  expect(await tooNew.closed).toMatchObject({
    code: 4406,
    reason: expect.stringContaining('Update the edge'),
  });
  expect(await linkOf(site)).toMatchObject({ connected: true, adapter: 'test' });
  current.close();
});
