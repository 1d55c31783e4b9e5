import { expect, it } from 'vitest';
import { ConnectionLimit } from './connection-limit.ts';

const UNLIMITED = Number.POSITIVE_INFINITY;
let objectCount = 0;

/** An object whose test sets how many sockets are open. `counts` is how often they were walked and counted. */
function objectWith(
  openSockets: number,
  limits: { site: number; process: number },
  tenant = `tenant ${objectCount}`,
) {
  const object = { openSockets, counts: 0 };
  const countSockets = () => {
    object.counts++;
    return object.openSockets;
  };
  const limit = new ConnectionLimit(`object ${++objectCount}`, countSockets, limits);
  const isReached = (now: number) => limit.isReached(now, tenant);
  return Object.assign(object, { limit, isReached });
}

it('is reached at the number of sockets of a site, and no longer once one has disconnected', () => {
  const site = objectWith(0, { site: 2, process: UNLIMITED });
  expect(site.isReached(0)).toBe(false);
  for (site.openSockets of [1, 2]) site.limit.onConnected();
  expect(site.isReached(0)).toBe(true);
  site.openSockets = 1;
  site.limit.onDisconnected();
  expect(site.isReached(0)).toBe(false);
});

it('counts the sockets that were open before the object was restored, once', () => {
  const site = objectWith(2, { site: 100, process: UNLIMITED });
  site.isReached(0);
  for (site.openSockets = 3; site.openSockets <= 50; site.openSockets++) {
    site.limit.onConnected();
    expect(site.isReached(0)).toBe(false);
  }
  expect(site.counts).toBe(1);
});

it('recounts before it refuses a connection, but at most once a second', () => {
  const site = objectWith(3, { site: 3, process: UNLIMITED });
  expect(site.isReached(0)).toBe(true);
  site.openSockets = 1;
  expect(site.isReached(999), 'the disconnects were missed').toBe(true);
  expect(site.counts).toBe(2);
  expect(site.isReached(1_000)).toBe(false);
});

/** Opens sockets until the limit is reached, and returns how many are open then. */
function fill(object: ReturnType<typeof objectWith>): number {
  while (!object.isReached(0)) {
    object.openSockets += 1;
    object.limit.onConnected();
  }
  return object.openSockets;
}

it('leaves to other tenants in the process as many sockets as one tenant has', () => {
  // Objects of the tests above still have some.
  const limits = { site: UNLIMITED, process: 1_200 };
  const hog = fill(objectWith(0, limits));
  expect(hog).toBeGreaterThan(500);
  expect(hog).toBeLessThanOrEqual(600);
  const second = fill(objectWith(0, limits));
  expect(second).toBeGreaterThan(250);
  expect(second).toBeLessThanOrEqual(300);
  expect(fill(objectWith(0, limits))).toBeGreaterThan(125);
});

it('counts all sites of a tenant together: it cannot take more places by more sites', () => {
  const limits = { site: UNLIMITED, process: 12_000 };
  const counts = Array.from({ length: 5 }, () => fill(objectWith(0, limits, 'hog')));
  const total = counts.reduce((sum, count) => sum + count, 0);
  expect(total).toBeGreaterThan(4_000);
  expect(total).toBeLessThanOrEqual(6_000);
  const other = objectWith(0, limits, 'other');
  for (; other.openSockets < 1_000; other.openSockets++) {
    expect(other.isReached(0)).toBe(false);
    other.limit.onConnected();
  }
});
