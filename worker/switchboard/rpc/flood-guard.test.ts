import { afterEach, expect, it, vi } from 'vitest';
import { advanceClock, freezeClock } from '../../testing/clock.ts';
import { clientPrincipal, policy, TestSite } from '../../testing/site.ts';

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
