import { expect, it } from 'vitest';
import { Crowd } from './crowd.ts';

const MANY = Number.POSITIVE_INFINITY;
let objects = 0;

/** An object with so many sockets; `counts` tells how often they were walked. */
function crowd(sockets: number, most: { site: number; process: number }) {
  const it = { sockets, counts: 0 };
  const count = () => {
    it.counts += 1;
    return it.sockets;
  };
  return Object.assign(it, { crowd: new Crowd(`object ${++objects}`, count, most) });
}

it('takes as many as the site may have, and another for each that leaves', () => {
  const site = crowd(0, { site: 2, process: MANY });
  expect(site.crowd.isFull(0)).toBe(false);
  for (site.sockets of [1, 2]) site.crowd.came();
  expect(site.crowd.isFull(0)).toBe(true);
  site.sockets = 1;
  site.crowd.left();
  expect(site.crowd.isFull(0)).toBe(false);
});

it('counts those that were there before it woke, once', () => {
  const site = crowd(2, { site: 100, process: MANY });
  site.crowd.isFull(0);
  for (site.sockets = 3; site.sockets <= 50; site.sockets++) {
    site.crowd.came();
    expect(site.crowd.isFull(0)).toBe(false);
  }
  expect(site.counts).toBe(1);
});

it('counts anew before it says that it is full, but not for each who knocks', () => {
  const site = crowd(3, { site: 3, process: MANY });
  expect(site.crowd.isFull(0)).toBe(true);
  site.sockets = 1;
  expect(site.crowd.isFull(999), 'nobody said farewell').toBe(true);
  expect(site.counts).toBe(2);
  expect(site.crowd.isFull(1_000)).toBe(false);
});

it('holds all objects of the process together to what it can hold', () => {
  const one = crowd(0, { site: MANY, process: 1_000 });
  one.sockets = 995;
  one.crowd.isFull(0);
  const other = crowd(0, { site: MANY, process: 1_000 });
  for (other.sockets = 0; !other.crowd.isFull(0) && other.sockets < 10; ) {
    other.sockets += 1;
    other.crowd.came();
  }
  expect(other.sockets).toBeLessThan(6);
  expect(one.crowd.isFull(0)).toBe(true);
});
