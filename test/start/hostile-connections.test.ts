/** `npm start` with few file descriptors, and clients that try to take all of them. */
import { expect, it } from 'vitest';
import { HostileConnections } from '../harness/hostile-connections.ts';
import { SelfHostedEdge } from '../harness/self-hosted.ts';

/** The least with which `npm start` starts: 126 connections, 66 of them to workerd. */
const DESCRIPTORS = 256;

it('serves another tenant at once, and loses no client, whatever one does with connections', async () => {
  await using edge = await SelfHostedEdge.start({ descriptors: DESCRIPTORS });
  const attacker = await edge.createTenant('attacker');
  const victim = await edge.createTenant('victim');
  const before = await edge.connectClient(victim.key);
  const servesVictim = async () => {
    expect((await edge.fetch('/v1/me', victim.key)).status).toBe(200);
    const client = await edge.connectClient(victim.key);
    expect(await client.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
    client.close();
  };

  using hostile = new HostileConnections(edge.port);
  await hostile.upgrade(attacker.key, 150, 20);
  await servesVictim();
  const { accepted, refused, dropped } = hostile.upgrades;
  expect(accepted + refused + dropped).toBe(150);
  expect(accepted, 'the attack has taken place').toBeGreaterThan(20);
  await hostile.openIdle(150);
  await servesVictim();
  await hostile.openIdle(150, 'GET / HTTP/1.1\r\nX: ');
  await servesVictim();

  expect(await before.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
  before.close();
  expect(edge.output).not.toContain('has ended');
});
