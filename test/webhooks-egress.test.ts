/** Where webhooks may go is for the platform to say: without a deployment's leave, to public addresses only. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import type { DeliveryView, EndpointWithSecret } from '../shared/webhooks.ts';
import { until } from './stack/stack.ts';
import { Tenants } from './stack/tenants.ts';

const WEBHOOKS = '/tenants/t1/sites/s1/webhooks';

it('no request goes to a loopback, private or link-local address, however it is written', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  // The edge takes http, so that nothing but the platform's rule stands in the way.
  const variables = { WEBHOOKS_TO_PRIVATE: 'yes', WEBHOOK_RETRIES: '0' };
  await using stack = await Tenants.start({ tenants: 1, sites: 1, bare: ['t1-s1'], variables });
  const { id } = await stack.admin<EndpointWithSecret>('POST', WEBHOOKS, { url: 'http://127.0.0.1/' });
  const hosts = ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]'];
  const addresses = [
    ...hosts.map((host) => `http://${host}:${port}/`),
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://192.168.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
  ];
  for (const url of addresses) {
    await stack.admin('PATCH', `${WEBHOOKS}/${id}`, { url });
    const { n } = await stack.admin<DeliveryView>('POST', `${WEBHOOKS}/${id}/test`);
    let delivery: DeliveryView | undefined;
    await until(async () => {
      const { deliveries } = await stack.admin<{ deliveries: DeliveryView[] }>(
        'GET',
        `${WEBHOOKS}/${id}/deliveries`,
      );
      delivery = deliveries.find((each) => each.n === n);
      return delivery?.state === 'failed';
    });
    expect(delivery?.attempts, url).toMatchObject([
      { error: expect.stringContaining('is its address public') },
    ]);
  }
  expect(connections).toBe(0);
  server.close();
}, 120_000);

it('without leave to go to private addresses, http is refused when the webhook is made', async () => {
  await using stack = await Tenants.start({ tenants: 1, sites: 1, bare: ['t1-s1'] });
  await expect(stack.admin('POST', WEBHOOKS, { url: 'http://hooks.example.com/' })).rejects.toThrow(
    'takes https:// only',
  );
});
