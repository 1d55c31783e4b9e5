/** The platform restricts the addresses of webhooks: only public ones, unless the deployment allows private ones. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import type { DeliveryView } from '../../shared/protocol/webhooks/deliveries.ts';
import type { EndpointWithSecret } from '../../shared/protocol/webhooks/endpoints.ts';
import { MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { waitUntil } from '../harness/stack.ts';

const WEBHOOKS = '/tenants/t1/sites/s1/webhooks';

it('sends no request to a loopback, private or link-local address, in any notation', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  // The edge accepts http, so that only the platform's rule is tested.
  const variables = { WEBHOOKS_TO_PRIVATE: 'yes', WEBHOOK_RETRIES: '0' };
  await using stack = await MultiTenantStack.start({
    tenants: 1,
    sites: 1,
    sitesWithoutAdapter: ['t1-s1'],
    variables,
  });
  const { id } = await stack.adminRequest<EndpointWithSecret>('POST', WEBHOOKS, { url: 'http://127.0.0.1/' });
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
    await stack.adminRequest('PATCH', `${WEBHOOKS}/${id}`, { url });
    const { n } = await stack.adminRequest<DeliveryView>('POST', `${WEBHOOKS}/${id}/test`);
    let delivery: DeliveryView | undefined;
    await waitUntil(async () => {
      const { deliveries } = await stack.adminRequest<{ deliveries: DeliveryView[] }>(
        'GET',
        `${WEBHOOKS}/${id}/deliveries`,
      );
      delivery = deliveries.find((candidate) => candidate.n === n);
      return delivery?.state === 'failed';
    });
    expect(delivery?.attempts, url).toMatchObject([
      { error: expect.stringContaining('that its address is public') },
    ]);
  }
  expect(connections).toBe(0);
  server.close();
}, 120_000);

it('rejects an http webhook unless private addresses are allowed', async () => {
  await using stack = await MultiTenantStack.start({ tenants: 1, sites: 1, sitesWithoutAdapter: ['t1-s1'] });
  await expect(stack.adminRequest('POST', WEBHOOKS, { url: 'http://hooks.example.com/' })).rejects.toThrow(
    'is not an https:// URL',
  );
});

it('rejects a webhook to an address that is not public, in any notation', async () => {
  await using stack = await MultiTenantStack.start({ tenants: 1, sites: 1, sitesWithoutAdapter: ['t1-s1'] });
  const hosts = [
    'localhost',
    'a.localhost.',
    '127.1',
    '0x7f.1',
    '2130706433',
    '0.0.0.0',
    '100.64.0.1',
    '224.0.0.1',
  ];
  const ipv6 = [
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::10.0.0.1',
    '64:ff9b::10.0.0.1',
    '2002:a00:1::',
    '2001:0:1::',
    'fe80::1',
  ];
  for (const host of [...hosts, ...ipv6.map((address) => `[${address}]`)])
    await expect(stack.adminRequest('POST', WEBHOOKS, { url: `https://${host}/` }), host).rejects.toThrow(
      'has an address that is not public',
    );
  const { id } = await stack.adminRequest<EndpointWithSecret>('POST', WEBHOOKS, {
    url: 'https://198.41.0.4/',
  });
  await expect(
    stack.adminRequest('PATCH', `${WEBHOOKS}/${id}`, { url: 'https://10.0.0.1/' }),
  ).rejects.toThrow('has an address that is not public');
});
