import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from './log.ts';
import { MiClient } from './mi.ts';
import { FakeOpenSips } from './testing/fake-opensips.ts';
import { type Health, Watch } from './watch.ts';

const SUBSCRIPTION_SECONDS = 120;

let opensips: FakeOpenSips;
let mi: MiClient;
let now = 0;
let dropped = 0;
let portTaken = false;
let nameKnown = true;
let gaps: string[];
let statuses: Health[];
let watch: Watch;

beforeEach(async () => {
  opensips = await FakeOpenSips.start();
  mi = new MiClient();
  now = 0;
  dropped = 5;
  portTaken = false;
  nameKnown = true;
  gaps = [];
  statuses = [];
  const { address } = opensips;
  watch = new Watch(
    {
      mi,
      events: async () => {
        if (portTaken) throw new Error('bind EADDRINUSE 127.0.0.1:5061');
        return { address: { host: '127.0.0.1', port: 5061 }, takeFrom: () => {}, close: () => {} };
      },
      locate: async () => {
        if (!nameKnown) throw new Error('getaddrinfo ENOTFOUND opensips');
        mi.connectTo(address);
      },
      dropped: () => dropped,
      now: () => now,
      log: createLog('silent', []),
    },
    { gap: (reason) => gaps.push(reason), status: (status) => statuses.push(status) },
    SUBSCRIPTION_SECONDS,
    50,
  );
});
afterEach(async () => {
  mi.close();
  await opensips.stop();
});

const subscribed = () => opensips.of('event_subscribe').length / 3;

describe('a look at OpenSIPS', () => {
  it('subscribes at first, and owes no gap for it', async () => {
    expect(await watch.check()).toBe(true);
    expect(opensips.of('event_subscribe').map(({ params }) => params)).toEqual([
      { event: 'E_CALL_TRANSFER', socket: 'udp:127.0.0.1:5061', expire: 120 },
      { event: 'E_CALL_HOLD', socket: 'udp:127.0.0.1:5061', expire: 120 },
      { event: 'E_DLG_STATE_CHANGED', socket: 'udp:127.0.0.1:5061', expire: 120 },
    ]);
    expect(gaps).toEqual([]);
    expect(watch.health).toEqual({ version: opensips.version, reachable: true });
  });

  it('renews at half of the life, not before', async () => {
    await watch.check();
    now = 59_999;
    await watch.check();
    expect(subscribed()).toBe(1);
    now = 60_000;
    await watch.check();
    expect(subscribed()).toBe(2);
    expect(gaps).toEqual([]);
  });

  it('finds a restart by the time of start, subscribes again, and only then says so', async () => {
    await watch.check();
    let subscribedAtGap = 0;
    opensips.restart('Mon Nov 23 10:49:35 2026');
    opensips.version = 'OpenSIPS (4.0.1 (x86_64/linux))';
    opensips.behaviours.set('event_subscribe', () => {
      expect(gaps).toEqual([]);
      subscribedAtGap += 1;
      return 'OK';
    });
    await watch.check();
    expect(subscribedAtGap).toBe(3);
    expect(gaps).toEqual(['OpenSIPS restarted']);
    expect(watch.health.version).toContain('4.0.1');
  });

  it('finds subscriptions that have lapsed', async () => {
    await watch.check();
    opensips.subscribers.delete('E_CALL_HOLD');
    await watch.check();
    expect(subscribed()).toBe(2);
    expect(gaps).toEqual(['the event subscription had lapsed']);
  });

  it('finds events that the kernel dropped', async () => {
    await watch.check();
    dropped += 3;
    await watch.check();
    await watch.check();
    expect(gaps).toEqual(['events were lost in the socket buffer']);
  });

  it('tells once that OpenSIPS is gone, and once that it is back, with a gap', async () => {
    await watch.check();
    const { port } = opensips.address;
    await opensips.stop();
    expect(await watch.check()).toBe(false);
    expect(await watch.check()).toBe(false);
    await opensips.listen(port);
    expect(await watch.check()).toBe(true);
    expect(statuses.map(({ reachable }) => reachable)).toEqual([true, false, true]);
    expect(gaps).toEqual(['OpenSIPS did not answer']);
  });

  it('forgives one datagram that is lost', async () => {
    await watch.check();
    opensips.silent = true;
    expect(await watch.check()).toBe(false);
    expect(watch.health.reachable).toBe(true);
    expect(await watch.check()).toBe(false);
    expect(watch.health.reachable).toBe(false);
  });

  it('owes a gap where the first subscription came late', async () => {
    opensips.silent = true;
    await watch.check();
    opensips.silent = false;
    await watch.check();
    expect(gaps).toEqual(['no event subscription stood']);
  });

  it('survives a taken event port, and says a gap once it is free', async () => {
    portTaken = true;
    expect(await watch.check()).toBe(false);
    expect(watch.health.reachable).toBe(true);
    portTaken = false;
    expect(await watch.check()).toBe(true);
    expect(gaps).toEqual(['events could not be received']);
  });

  it('survives a name that cannot be resolved', async () => {
    nameKnown = false;
    expect(await watch.check()).toBe(false);
    nameKnown = true;
    expect(await watch.check()).toBe(true);
  });

  it('survives an OpenSIPS without callops, and an unreadable list of subscribers', async () => {
    opensips.behaviours.set('event_subscribe', ({ params, answerText, id }) => {
      if (params['event'] !== 'E_CALL_HOLD') return 'OK';
      answerText(JSON.stringify({ id, error: { code: 400, message: 'Bad parameter value' } }));
      return undefined;
    });
    expect(await watch.check()).toBe(false);
    opensips.behaviours.clear();
    opensips.behaviours.set('subscribers_list', () => 'nonsense');
    expect(await watch.check()).toBe(true);
    expect(await watch.check()).toBe(true);
    expect(subscribed()).toBe(2);
  });

  it('ends the subscriptions in the end', async () => {
    await watch.unsubscribe(1_000);
    expect(subscribed()).toBe(0);
    await watch.check();
    await watch.unsubscribe(1_000);
    expect(opensips.of('event_subscribe').slice(3)).toMatchObject([
      { params: { expire: 0 } },
      { params: { expire: 0 } },
      { params: { expire: 0 } },
    ]);
    expect([...opensips.subscribers.values()].every((sockets) => sockets.size === 0)).toBe(true);
  });
});
