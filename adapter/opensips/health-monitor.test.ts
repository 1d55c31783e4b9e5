import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../log.ts';
import { FakeOpenSips } from '../testing/fake-opensips.ts';
import { type Health, HealthMonitor } from './health-monitor.ts';
import { UnknownEventAddressError } from './host-address.ts';
import { MiClient } from './mi-client.ts';

const SUBSCRIPTION_SECONDS = 120;
const TIMEOUT_MS = 250;

let opensips: FakeOpenSips;
let mi: MiClient;
let now = 0;
let droppedCount = 0;
let isPortInUse = false;
let eventSocketError: Error | undefined;
let eventAddress = { host: '127.0.0.1', port: 5061 };
let isHostnameKnown = true;
let gaps: string[];
let problems: string[];
let healthChanges: Health[];
let monitor: HealthMonitor;

beforeEach(async () => {
  opensips = await FakeOpenSips.start();
  mi = new MiClient();
  now = 0;
  droppedCount = 5;
  isPortInUse = false;
  eventSocketError = undefined;
  eventAddress = { host: '127.0.0.1', port: 5061 };
  isHostnameKnown = true;
  gaps = [];
  problems = [];
  healthChanges = [];
  const { address } = opensips;
  monitor = new HealthMonitor(
    {
      mi,
      getEventSocket: async () => {
        if (eventSocketError !== undefined) throw eventSocketError;
        if (isPortInUse) throw Object.assign(new Error('bind EADDRINUSE'), { code: 'EADDRINUSE' });
        return { address: eventAddress, acceptFrom: () => {}, close: () => {} };
      },
      resolveAddress: async () => {
        if (!isHostnameKnown) throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
        mi.connectTo(address);
      },
      countDropped: () => droppedCount,
      now: () => now,
      log: createLog('error', [], { write: (line) => void problems.push(JSON.parse(line).msg) }),
      miAddress: 'opensips:8080',
      settingNames: { opensips: '--mi', events: '--listen' },
    },
    { onGap: (reason) => gaps.push(reason), onHealthChange: (health) => healthChanges.push(health) },
    SUBSCRIPTION_SECONDS,
    TIMEOUT_MS,
  );
});
afterEach(async () => {
  mi.close();
  await opensips.stop();
});

/** How often all three events were subscribed. */
const subscribedCount = () => opensips.requestsFor('event_subscribe').length / 3;

describe('the health monitor', () => {
  it('subscribes at the first check, without reporting a gap', async () => {
    expect(await monitor.check()).toBe(true);
    expect(opensips.requestsFor('event_subscribe').map(({ params }) => params)).toEqual([
      { event: 'E_CALL_TRANSFER', socket: 'udp:127.0.0.1:5061', expire: 120 },
      { event: 'E_CALL_HOLD', socket: 'udp:127.0.0.1:5061', expire: 120 },
      { event: 'E_DLG_STATE_CHANGED', socket: 'udp:127.0.0.1:5061', expire: 120 },
    ]);
    expect(gaps).toEqual([]);
    expect(monitor.health).toEqual({ version: opensips.version, reachable: true, sendsSequential: true });
  });

  it('renews the subscriptions at half of their lifetime, and not before', async () => {
    await monitor.check();
    now = 59_999;
    await monitor.check();
    expect(subscribedCount()).toBe(1);
    now = 60_000;
    await monitor.check();
    expect(subscribedCount()).toBe(2);
    expect(gaps).toEqual([]);
  });

  it('subscribes again when the address of this machine has changed, and reports a gap', async () => {
    await monitor.check();
    eventAddress = { host: '127.0.0.2', port: 5062 };
    await monitor.check();
    const sockets = opensips.requestsFor('event_subscribe').map(({ params }) => params['socket']);
    expect(sockets.slice(3)).toEqual(Array(3).fill('udp:127.0.0.2:5062'));
    expect(gaps).toEqual(['events were sent to an earlier address of this machine']);
  });

  it('detects a restart by the start time, and reports it after it has subscribed again', async () => {
    await monitor.check();
    let subscriptionsBeforeGap = 0;
    opensips.restart('Mon Nov 23 10:49:35 2026');
    opensips.version = 'OpenSIPS (4.0.1 (x86_64/linux))';
    opensips.handlers.set('event_subscribe', () => {
      expect(gaps).toEqual([]);
      subscriptionsBeforeGap += 1;
      return 'OK';
    });
    await monitor.check();
    expect(subscriptionsBeforeGap).toBe(3);
    expect(gaps).toEqual(['OpenSIPS restarted']);
    expect(monitor.health.version).toContain('4.0.1');
  });

  it('detects expired subscriptions', async () => {
    await monitor.check();
    opensips.subscribers.delete('E_CALL_HOLD');
    await monitor.check();
    expect(subscribedCount()).toBe(2);
    expect(gaps).toEqual(['the event subscription had expired']);
  });

  it('detects events dropped by the kernel, and reports them once', async () => {
    await monitor.check();
    droppedCount += 3;
    await monitor.check();
    await monitor.check();
    expect(gaps).toEqual(['events were lost in the socket buffer']);
  });

  it('reports once that OpenSIPS is unreachable, and once that it is back, with a gap', async () => {
    await monitor.check();
    const { port } = opensips.address;
    await opensips.stop();
    expect(await monitor.check()).toBe(false);
    expect(await monitor.check()).toBe(false);
    await opensips.listen(port);
    expect(await monitor.check()).toBe(true);
    expect(healthChanges.map(({ reachable }) => reachable)).toEqual([true, false, true]);
    expect(gaps).toEqual(['OpenSIPS did not respond']);
    expect(problems).toEqual([
      'OpenSIPS does not respond to MI at opensips:8080 (UDP): nothing listens at its MI address. Check that it is running, and that --mi is the socket_name of its mi_datagram module.',
    ]);
  });

  it('reports OpenSIPS as unreachable only after two lost datagrams', async () => {
    await monitor.check();
    opensips.isSilent = true;
    expect(await monitor.check()).toBe(false);
    expect(monitor.health.reachable).toBe(true);
    expect(await monitor.check()).toBe(false);
    expect(monitor.health.reachable).toBe(false);
  });

  it('reports a gap if the first check could not subscribe', async () => {
    opensips.isSilent = true;
    await monitor.check();
    opensips.isSilent = false;
    await monitor.check();
    expect(gaps).toEqual(['no event subscription was active']);
  });

  it('reports a gap once an event port that was in use is free', async () => {
    isPortInUse = true;
    expect(await monitor.check()).toBe(false);
    expect(monitor.health.reachable).toBe(true);
    isPortInUse = false;
    expect(await monitor.check()).toBe(true);
    expect(gaps).toEqual(['events could not be received']);
    expect(problems).toEqual([
      'Cannot listen for events: another program uses the port. Check that --listen is a free UDP port at an address of this machine.',
    ]);
  });

  it('recovers from a hostname that cannot be resolved', async () => {
    isHostnameKnown = false;
    expect(await monitor.check()).toBe(false);
    isHostnameKnown = true;
    expect(await monitor.check()).toBe(true);
    expect(problems).toEqual([
      'Cannot find the host of OpenSIPS, opensips:8080: the host name does not exist. Check --mi.',
    ]);
  });

  it('recovers from a rejected subscription, and from an unreadable list of subscribers', async () => {
    opensips.handlers.set('event_subscribe', ({ params, respondText, id }) => {
      if (params['event'] !== 'E_CALL_HOLD') return 'OK';
      respondText(JSON.stringify({ id, error: { code: 400, message: 'Bad parameter value' } }));
      return undefined;
    });
    expect(await monitor.check()).toBe(false);
    expect(problems[0]).toMatch(/rejected the subscription to E_CALL_HOLD: 400 Bad parameter value\. Check/);
    opensips.handlers.clear();
    opensips.handlers.set('subscribers_list', () => 'nonsense');
    expect(await monitor.check()).toBe(true);
    expect(await monitor.check()).toBe(true);
    expect(subscribedCount()).toBe(2);
  });

  it('subscribes to the events of the script that OpenSIPS has, renews and ends them', async () => {
    opensips.events = [...opensips.events, 'E_CALL_BYE', 'E_OTHER'];
    await monitor.check();
    expect([...opensips.subscribers.keys()]).toContain('E_CALL_BYE');
    expect(opensips.requestsFor('event_subscribe')).toHaveLength(4);
    now = 60_000;
    await monitor.check();
    expect(opensips.requestsFor('event_subscribe')).toHaveLength(8);
    opensips.subscribers.delete('E_CALL_BYE');
    await monitor.check();
    expect(gaps).toEqual(['the event subscription had expired']);
    await monitor.unsubscribe(1_000);
    expect([...opensips.subscribers.values()].every((sockets) => sockets.size === 0)).toBe(true);
    expect(problems).toEqual([]);
  });

  it('notices that the script has more events after a restart', async () => {
    await monitor.check();
    expect(opensips.subscribers.size).toBe(3);
    opensips.restart('Mon Nov 23 10:49:35 2026');
    opensips.events = [...opensips.events, 'E_CALL_REFUSED', 'E_CALL_BYE'];
    await monitor.check();
    expect(opensips.subscribers.size).toBe(5);
  });

  it('works without the events of the script, and where their subscription fails', async () => {
    opensips.handlers.set('events_list', () => ({ Events: [{ name: 'E_CALL_BYE', id: 7 }] }));
    expect(await monitor.check()).toBe(true);
    opensips.handlers.set('events_list', () => 'nonsense');
    now = 60_000;
    expect(await monitor.check()).toBe(true);
    expect(problems).toEqual([]);
  });

  it('reads the commands with the version, and again until OpenSIPS has listed them', async () => {
    opensips.handlers.set('which', () => undefined);
    await monitor.check();
    expect(monitor.health.sendsSequential).toBeUndefined();
    opensips.handlers.set('which', ({ respondError }) => respondError(500, 'Internal error'));
    await monitor.check();
    expect(monitor.health.sendsSequential).toBe(false);
    opensips.restart('Mon Nov 23 10:49:35 2026');
    opensips.handlers.delete('which');
    await monitor.check();
    expect(monitor.health.sendsSequential).toBe(true);
    await monitor.check();
    expect(opensips.requestsFor('version')).toHaveLength(3);
  });

  it('says what to do if it does not know where to receive events', async () => {
    eventSocketError = new UnknownEventAddressError('Set --listen to an IPv4 address.');
    expect(await monitor.check()).toBe(false);
    expect(problems).toEqual(['Set --listen to an IPv4 address.']);
  });

  it('ends active subscriptions when it unsubscribes', async () => {
    await monitor.unsubscribe(1_000);
    expect(subscribedCount()).toBe(0);
    await monitor.check();
    await monitor.unsubscribe(1_000);
    expect(opensips.requestsFor('event_subscribe').slice(3)).toMatchObject([
      { params: { expire: 0 } },
      { params: { expire: 0 } },
      { params: { expire: 0 } },
    ]);
    expect([...opensips.subscribers.values()].every((sockets) => sockets.size === 0)).toBe(true);
  });
});
