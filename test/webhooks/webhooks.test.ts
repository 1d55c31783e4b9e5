/** Webhooks through the full stack, to a receiver with the usual failures of receivers. */
import { createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DeliveryView } from '../../shared/protocol/webhooks/deliveries.ts';
import type { EndpointView, EndpointWithSecret } from '../../shared/protocol/webhooks/endpoints.ts';
import { type Client, phoneUri } from '../harness/client.ts';
import { MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { waitUntil } from '../harness/stack.ts';
import { WebhookReceiver } from './receiver.ts';

/** The delays in seconds. The receivers recover long before the last one. */
const RETRIES = { WEBHOOK_RETRIES: '0,1,1,1,1,1,2,2,2,2,5,5,5,5,5,5,5,5,60,60' };

let stack: MultiTenantStack;
beforeAll(async () => {
  stack = await MultiTenantStack.start({ tenants: 1, sites: 1, variables: RETRIES, webhooksToPrivate: true });
});
afterAll(() => stack[Symbol.asyncDispose]());

const WEBHOOKS = '/tenants/t1/sites/s1/webhooks';

interface Endpoint extends EndpointWithSecret, AsyncDisposable {
  fetchDeliveries(): Promise<DeliveryView[]>;
  fetchView(): Promise<EndpointView>;
}

/** Creates an endpoint that is deleted at the end of the test. */
async function createEndpoint(url: string, options: object = {}): Promise<Endpoint> {
  const created = await stack.adminRequest<EndpointWithSecret>('POST', WEBHOOKS, { url, ...options });
  const path = `${WEBHOOKS}/${created.id}`;
  return {
    ...created,
    fetchDeliveries: async () =>
      (await stack.adminRequest<{ deliveries: DeliveryView[] }>('GET', `${path}/deliveries?limit=500`))
        .deliveries,
    fetchView: () => stack.adminRequest<EndpointView>('GET', path),
    [Symbol.asyncDispose]: async () => void (await stack.adminRequest('DELETE', path)),
  };
}

function connectClient(): Promise<Client> {
  return stack.connectClient(stack.site('t1-s1').siteKey);
}

const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };

it('delivers the notifications of a command in order, signed according to Standard Webhooks', async () => {
  await using receiver = await WebhookReceiver.start();
  await using hook = await createEndpoint(receiver.url);
  const notifications = await (await connectClient()).runToEnd('CallStart', {
    ...parties,
    metadata: { ticket: 7 },
  });
  await waitUntil(() => receiver.receivedTypes.includes('command.call_start.ended'));
  await waitUntil(() => receiver.receivedTypes.includes('call.answered'));
  const ofCommand = receiver.received.filter(({ type }) => type.startsWith('command.'));
  expect(ofCommand.map(({ data }) => data['event'])).toEqual(notifications.map(({ event }) => event));
  expect(ofCommand.map(({ data }) => data['seq'])).toEqual(notifications.map(({ seq }) => seq));
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'OKP',
      crv: 'Ed25519',
      x: Buffer.from((hook.public_keys[0] ?? '').slice('whpk_'.length), 'base64').toString('base64url'),
    },
  });
  for (const { body, headers } of receiver.received) {
    expect(new Webhook(hook.secret).verify(body, headers)).toEqual(JSON.parse(body));
    const [, v1a = ''] = (headers['webhook-signature'] ?? '').split(' ');
    const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    expect(verify(null, Buffer.from(content), publicKey, Buffer.from(v1a.slice(4), 'base64'))).toBe(true);
  }
});

it('delivers everything to a receiver that fails, hangs, is slow, redirects and is down for a while', async () => {
  await using receiver = await WebhookReceiver.start();
  await using hook = await createEndpoint(receiver.url, { events: ['command.*'] });
  const client = await connectClient();
  const seqs: number[] = [];
  const startCall = async () =>
    seqs.push(...(await client.runToEnd('CallStart', parties)).map(({ seq }) => seq));

  await receiver.withBehavior('fails', startCall);
  await receiver.withBehavior('redirects', startCall);
  await receiver.withBehavior('slow', startCall);
  await receiver.withBehavior('resets', startCall);
  await receiver.stop();
  await startCall();
  await receiver.listen();
  await receiver.withBehavior('hangs', startCall);
  await startCall();

  await waitUntil(() => seqs.every((seq) => receiver.acceptedSeqs.has(seq)));
  await waitUntil(async () => (await hook.fetchView()).waiting === 0);
  expect(await hook.fetchView()).toMatchObject({ failed: 0, dropped: 0, enabled: true });
  // Each event has the same id in all attempts, and no redirect was followed.
  for (const ids of Map.groupBy(receiver.received, ({ data }) => data['seq']).values())
    expect(new Set(ids.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(receiver.redirectsFollowed).toBe(0);
  for (const { body, headers } of receiver.received) new Webhook(hook.secret).verify(body, headers);
  const errors = new Set(
    (await hook.fetchDeliveries()).flatMap(({ attempts }) => attempts.map(({ error }) => error)),
  );
  expect([...errors]).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^The endpoint answered \d+\. Answer with a status/),
      expect.stringContaining('redirects are not followed'),
      expect.stringContaining('could not be reached'),
      expect.stringContaining('did not answer within 15 s'),
    ]),
  );
}, 180_000);

it('retries deliveries to one receiver while another one hangs', async () => {
  await using hanging = await WebhookReceiver.start();
  await using failing = await WebhookReceiver.start();
  await using _hanging = await createEndpoint(hanging.url, { events: ['command.call_end.error'] });
  await using _failing = await createEndpoint(failing.url, { events: ['command.call_end.error'] });
  const client = await connectClient();
  hanging.setBehavior('hangs');
  await client.runToEnd('CallEnd', { callid: 'none' });
  // The alarm has sent the second request. No other delivery may wait for it.
  await waitUntil(() => hanging.received.length === 2);
  await failing.withBehavior('fails', () => client.runToEnd('CallEnd', { callid: 'none' }));
  await waitUntil(() => failing.acceptedSeqs.size === 2);
  expect(hanging.received).toHaveLength(2);
}, 120_000);

it('keeps deliveries when the edge crashes', async () => {
  await using receiver = await WebhookReceiver.start();
  await using hook = await createEndpoint(receiver.url, { events: ['command.call_start.ended'] });
  const client = await connectClient();
  await receiver.withBehavior('fails', () => client.runToEnd('CallStart', parties));
  await receiver.stop();
  await client.runToEnd('CallStart', parties);
  await stack.restartEdge();
  await receiver.listen();
  await waitUntil(() => receiver.acceptedSeqs.size === 2);
  await waitUntil(async () => (await hook.fetchView()).waiting === 0);
}, 120_000);
