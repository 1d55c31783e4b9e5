/** The notification `Closing`, which precedes a close that another event than one of the socket causes. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { closeCode } from '../../../shared/protocol/link.ts';
import { advanceClock, freezeClock } from '../../testing/clock.ts';
import { type ClientOptions, TestSite } from '../../testing/site.ts';

interface Closing {
  readonly method: string;
  readonly params: { readonly code: number; readonly reason: string };
}

/** What closes a client from elsewhere: its options, the code it gets, and what happens. */
const CAUSES: [string, ClientOptions, number, (site: TestSite) => unknown][] = [
  [
    'its key is revoked',
    { key: 'leaked' },
    closeCode.unauthorized,
    ({ object }) => object.revokeKey('leaked'),
  ],
  [
    'another socket resumes its session',
    { session: 'mine' },
    closeCode.superseded,
    (site) => site.client({ session: 'mine' }),
  ],
  [
    'its token expires',
    { expires: Date.now() + 60_000 },
    closeCode.unauthorized,
    async ({ object }) => {
      advanceClock(60_000);
      await runDurableObjectAlarm(object);
    },
  ],
  ['its site is deleted', {}, closeCode.unauthorized, ({ object }) => object.erase()],
];

it.each(CAUSES)('tells a client with `Closing` when %s', async (_, options, code, act) => {
  freezeClock();
  const site = new TestSite();
  const socket = await site.openSocket(options);
  await act(site);
  const { method, params } = await socket.next<Closing>();
  expect(method).toBe('Closing');
  expect(params.code).toBe(code);
  expect(await socket.closed).toEqual(params);
});

it.each(CAUSES)(
  'sends no `Closing` to a client of the original Call API when %s',
  async (_, options, code, act) => {
    freezeClock();
    const site = new TestSite();
    const socket = await site.openSocket({ ...options, events: 'original' });
    const closesWithoutFrame = expect(socket.next()).rejects.toThrow(`closed: ${code}`);
    await act(site);
    await closesWithoutFrame;
  },
);

it('closes a socket whose token has expired at the next message of any client, even if the alarm never comes', async () => {
  freezeClock();
  const site = new TestSite();
  const expiring = await site.openSocket({ expires: Date.now() + 1_000 });
  const other = await site.client();
  await runInDurableObject(site.object, (_, { storage }) => storage.deleteAlarm());
  advanceClock(1_000);
  await other.request('Echo');
  expect(await expiring.closed).toMatchObject({ code: closeCode.unauthorized });
});
