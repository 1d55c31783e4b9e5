/** The client at real doors: tokens that a deployment mints, renews, revokes and refuses. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CallApiError, type ConnectionState, connect } from '../../client/index.ts';
import { phone } from '../stack/client.ts';
import { idOf, Tenants } from '../stack/tenants.ts';

let deployed: Tenants;
let url: string;

beforeAll(async () => {
  deployed = await Tenants.start({ tenants: 1, sites: 1 });
  url = `ws://127.0.0.1:${deployed.port}/call-api`;
}, 120_000);
afterAll(() => deployed[Symbol.asyncDispose]());

it('thrown out with the key that minted its token, it comes back with another one, and its call goes on', async () => {
  const keys = await Promise.all([1, 2].map(() => deployed.makeKey('t1', { role: 'api', site: 's1' })));
  const [first = '', second = ''] = keys;
  const left = [...keys];
  const states: ConnectionState['is'][] = [];
  const api = connect({
    url,
    getToken: () => deployed.mint(left.shift() ?? second, { subject: 'alice' }),
    onState: ({ is }) => states.push(is),
  });
  const start = api.callStart({ caller: phone('ring'), callee: phone('bob') });
  const told: string[] = [];
  for await (const { event } of start) {
    told.push(event);
    if (event !== 'CallerRinging') continue;
    await deployed.admin('DELETE', `/tenants/t1/keys/${idOf(first)}`);
    // Asked on whatever socket there is then, by the same subject.
    await start.end().ended;
  }
  expect(told).toEqual(['Started', 'CallerRinging', 'Error', 'Ended']);
  expect(states.filter((is) => is !== 'waiting' && is !== 'connecting')).toEqual(['open', 'open']);
  api.close();
});

it('a fresh token is taken on the live socket', async () => {
  const { siteKey } = deployed.at('t1-s1');
  const api = connect({ url, token: await deployed.mint(siteKey, { subject: 'bob', expires_in: 60 }) });
  const token = await deployed.mint(siteKey, { subject: 'bob', expires_in: 3_600 });
  expect(await api.request('Authorize', { token })).toEqual({ expires: expect.any(String) });
  api.close();
});

it('a token that does not hold ends it at once, and says so', async () => {
  const api = connect({ url, token: 'no.such.token' });
  const why: unknown = await api.calls.list().catch((error: unknown) => error);
  expect(why).toBeInstanceOf(CallApiError);
  expect(why).toMatchObject({ code: -32002, message: expect.stringContaining('the token does not hold') });
  expect(api.state).toEqual({ is: 'closed', why: 'unauthorized' });
});
