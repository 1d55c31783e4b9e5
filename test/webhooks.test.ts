/** Webhooks through the whole stack, to a receiver of its own that behaves as receivers do. */
import { createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DeliveryView, EndpointView, EndpointWithSecret } from '../shared/webhooks.ts';
import { type Client, phone } from './stack/client.ts';
import { until } from './stack/stack.ts';
import { Tenants } from './stack/tenants.ts';
import { Receiver } from './webhooks/receiver.ts';

/** Seconds: a receiver is well again long before the last of them. */
const RETRIES = { WEBHOOK_RETRIES: '0,1,1,1,1,1,2,2,2,2,5,5,5,5,5,5,5,5,60,60' };

let stack: Tenants;
beforeAll(async () => {
  stack = await Tenants.start({ tenants: 1, sites: 1, variables: RETRIES, webhooksToPrivate: true });
});
afterAll(() => stack[Symbol.asyncDispose]());

const WEBHOOKS = '/tenants/t1/sites/s1/webhooks';

interface Endpoint extends EndpointWithSecret, AsyncDisposable {
  log(): Promise<DeliveryView[]>;
  show(): Promise<EndpointView>;
}

/** An endpoint, gone with the test. */
async function endpoint(url: string, more: object = {}): Promise<Endpoint> {
  const made = await stack.admin<EndpointWithSecret>('POST', WEBHOOKS, { url, ...more });
  const path = `${WEBHOOKS}/${made.id}`;
  return {
    ...made,
    log: async () =>
      (await stack.admin<{ deliveries: DeliveryView[] }>('GET', `${path}/deliveries?limit=500`)).deliveries,
    show: () => stack.admin<EndpointView>('GET', path),
    [Symbol.asyncDispose]: async () => void (await stack.admin('DELETE', path)),
  };
}

function client(): Promise<Client> {
  return stack.connect(stack.at('t1-s1').siteKey);
}

const parties = { caller: phone('alice'), callee: phone('bob') };

it('a call is told as its client is told it, signed as Standard Webhooks has it', async () => {
  await using receiver = await Receiver.start();
  await using hook = await endpoint(receiver.url);
  const told = await (await client()).toEnd('CallStart', { ...parties, metadata: { ticket: 7 } });
  await until(() => receiver.types.includes('command.call_start.ended'));
  await until(() => receiver.types.includes('call.answered'));
  const ofCommand = receiver.got.filter(({ type }) => type.startsWith('command.'));
  expect(ofCommand.map(({ data }) => data['event'])).toEqual(told.map(({ event }) => event));
  expect(ofCommand.map(({ data }) => data['seq'])).toEqual(told.map(({ seq }) => seq));
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'OKP',
      crv: 'Ed25519',
      x: Buffer.from((hook.public_keys[0] ?? '').slice('whpk_'.length), 'base64').toString('base64url'),
    },
  });
  for (const { body, headers } of receiver.got) {
    expect(new Webhook(hook.secret).verify(body, headers)).toEqual(JSON.parse(body));
    const [, v1a = ''] = (headers['webhook-signature'] ?? '').split(' ');
    const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    expect(verify(null, Buffer.from(content), publicKey, Buffer.from(v1a.slice(4), 'base64'))).toBe(true);
  }
});

it('one that fails, hangs, answers slowly, redirects and dies for a while gets everything in the end', async () => {
  await using receiver = await Receiver.start();
  await using hook = await endpoint(receiver.url, { events: ['command.*'] });
  const one = await client();
  const told: number[] = [];
  const call = async () => told.push(...(await one.toEnd('CallStart', parties)).map(({ seq }) => seq));

  await receiver.behaves('fails', call);
  await receiver.behaves('redirects', call);
  await receiver.behaves('slow', call);
  await receiver.behaves('resets', call);
  await receiver.dies();
  await call();
  await receiver.lives();
  await receiver.behaves('hangs', call);
  await call();

  await until(() => told.every((seq) => receiver.taken.has(seq)));
  await until(async () => (await hook.show()).waiting === 0);
  expect(await hook.show()).toMatchObject({ failed: 0, dropped: 0, enabled: true });
  // Each event has one id, however often it came, and where a redirect led to nobody came.
  for (const ids of Map.groupBy(receiver.got, ({ data }) => data['seq']).values())
    expect(new Set(ids.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(receiver.elsewhere).toBe(0);
  for (const { body, headers } of receiver.got) new Webhook(hook.secret).verify(body, headers);
  const errors = new Set((await hook.log()).flatMap(({ attempts }) => attempts.map(({ error }) => error)));
  expect([...errors]).toEqual(
    expect.arrayContaining([
      'only 2xx says that it was taken',
      expect.stringContaining('it redirects'),
      expect.stringContaining('could not be reached'),
      'no answer within 15 s',
    ]),
  );
}, 180_000);

it('one that hangs does not hold up what is tried again for another', async () => {
  await using hanging = await Receiver.start();
  await using failing = await Receiver.start();
  await using _hanging = await endpoint(hanging.url, { events: ['command.echo.reply'] });
  await using _failing = await endpoint(failing.url, { events: ['command.echo.reply'] });
  const one = await client();
  hanging.now('hangs');
  await one.toEnd('Echo', {});
  // The second request was made by the alarm: no other may have to wait for that.
  await until(() => hanging.got.length === 2);
  await failing.behaves('fails', () => one.toEnd('Echo', {}));
  await until(() => failing.taken.size === 2);
  expect(hanging.got).toHaveLength(2);
}, 120_000);

it('deliveries survive the death of the edge', async () => {
  await using receiver = await Receiver.start();
  await using hook = await endpoint(receiver.url, { events: ['command.call_start.ended'] });
  const one = await client();
  await receiver.behaves('fails', () => one.toEnd('CallStart', parties));
  await receiver.dies();
  await one.toEnd('CallStart', parties);
  await stack.restart();
  await receiver.lives();
  await until(() => receiver.taken.size === 2);
  await until(async () => (await hook.show()).waiting === 0);
}, 120_000);
