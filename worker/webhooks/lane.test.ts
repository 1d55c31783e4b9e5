/** What is sent to one endpoint, and after what. */
import { expect, it } from 'vitest';
import type { Delivery } from './deliveries.ts';
import { AILING, Lane, LOT, OVERDUE, PATIENCE_MS, WELL, YIELDING } from './lane.ts';
import type { Rate } from './pace.ts';

/** Due, of that call. */
const of = (n: number, about: string): Delivery => ({
  n,
  about,
  endpoint: 'e',
  id: `msg_${n}`,
  type: 'call.ended',
  body: '{}',
  created: 0,
  state: 'waiting',
  tries: 0,
  due: 0,
  attempts: [],
});

/** An endpoint to which all of these are due, at no pace. */
function endpoint(due: Delivery[]) {
  const load = { isBusy: false, now: 0 };
  const rates: Rate[] = [];
  const take = (rate: Rate) => rates.push(rate) > 0;
  const lane = new Lane({ take }, () => load.isBusy);
  const over = new Set<number>();
  let reads = 0;
  const read = () => {
    reads++;
    return due.filter(({ n }) => !over.has(n)).slice(0, LOT);
  };
  lane.stir();
  return {
    lane,
    due,
    load,
    /** At which each was begun. */
    rates,
    /** Begins all that may be begun. */
    begin: (): number[] => {
      const begun: number[] = [];
      for (let next = lane.next(read, load.now); next; next = lane.next(read, load.now)) begun.push(next.n);
      return begun;
    },
    end: (n: number, well = true) => {
      over.add(n);
      lane.ended({ n }, well);
    },
    get reads() {
      return reads;
    },
  };
}

it('of each call one is under way at a time, in their order, and others meanwhile', () => {
  const { begin, end } = endpoint([of(1, 'a'), of(2, 'a'), of(3, 'b'), of(4, 'a'), of(5, 'b')]);
  expect(begin()).toEqual([1, 3]);
  end(3);
  expect(begin()).toEqual([5]);
  end(1);
  expect(begin()).toEqual([2]);
  end(2);
  expect(begin()).toEqual([4]);
});

it('a thousand of a hundred calls are sent once each, those of a call in their order, and read in lots', () => {
  const due = Array.from({ length: 1_000 }, (_, n) => of(n, `${Math.floor(n / 20)}/${n % 2}`));
  const site = endpoint(due);
  const sent: number[] = [];
  const underWay = site.begin();
  while (underWay.length > 0) {
    expect(underWay.length).toBeLessThanOrEqual(WELL.most);
    // The newest is answered first: whatever the order of answers, that of a call holds.
    const n = underWay.pop() ?? Number.NaN;
    sent.push(n);
    site.end(n);
    underWay.push(...site.begin());
  }
  expect(sent.toSorted((a, b) => a - b)).toEqual(due.map(({ n }) => n));
  for (const call of Map.groupBy(sent, (n) => due[n]?.about).values())
    expect(call).toEqual(call.toSorted((a, b) => a - b));
  expect(site.reads).toBeLessThanOrEqual(1_000 / (LOT - WELL.most) + 1);
});

it('four at a time to one that is well, and one to one whose last try has failed', () => {
  const { begin, end } = endpoint(Array.from({ length: 20 }, (_, n) => of(n, `${n}`)));
  expect(begin()).toEqual([0, 1, 2, 3]);
  end(0, false);
  expect(begin()).toEqual([]);
  for (const n of [1, 2, 3]) end(n, false);
  expect(begin()).toEqual([4]);
  end(4);
  expect(begin()).toEqual([5, 6, 7, 8]);
});

it('what is under way is not sent again, though it still counts as due', () => {
  const { lane, begin } = endpoint([of(1, 'a'), of(2, 'b')]);
  expect(begin()).toEqual([1, 2]);
  lane.stir();
  expect(begin()).toEqual([]);
  lane.forget();
  expect(begin()).toEqual([]);
});

it('one that is stopped sends nothing of its lot until it is stirred', () => {
  const { lane, begin, end } = endpoint(Array.from({ length: 8 }, (_, n) => of(n, `${n}`)));
  expect(begin()).toEqual([0, 1, 2, 3]);
  lane.stop();
  for (const n of [0, 1, 2, 3]) end(n);
  expect([begin(), lane.isSending, lane.goesOn]).toEqual([[], false, false]);
  lane.stir();
  expect(begin()).toEqual([4, 5, 6, 7]);
});

it('where nothing more is due the log is not asked again', () => {
  const site = endpoint([of(1, 'a'), of(2, 'b')]);
  expect(site.begin()).toEqual([1, 2]);
  site.end(1);
  site.end(2);
  expect([site.begin(), site.reads]).toEqual([[], 1]);
});

it('while calls are busy less is begun, not less under way, and to one that has failed no more than ever', () => {
  const { begin, end, load, rates } = endpoint(Array.from({ length: 9 }, (_, n) => of(n, `${n}`)));
  load.isBusy = true;
  expect(begin()).toEqual([0, 1, 2, 3]);
  expect(rates.splice(0)).toEqual([YIELDING, YIELDING, YIELDING, YIELDING]);
  load.isBusy = false;
  end(0);
  expect(begin()).toEqual([4]);
  expect(rates.splice(0)).toEqual([WELL]);
  load.isBusy = true;
  for (const n of [1, 2, 3, 4]) end(n, false);
  expect(begin()).toEqual([5]);
  load.isBusy = false;
  end(5, false);
  expect(begin()).toEqual([6]);
  expect(rates).toEqual([YIELDING, AILING]);
});

it('while calls are busy for long more is begun to one that has been behind for so long, until it has all', () => {
  const { lane, due, begin, end, load, rates } = endpoint(
    Array.from({ length: 12 }, (_, n) => of(n, `${n}`)),
  );
  load.isBusy = true;
  begin();
  load.now = PATIENCE_MS - 1;
  end(0);
  begin();
  expect(rates.splice(0)).toEqual(Array(5).fill(YIELDING));
  load.now = PATIENCE_MS;
  for (const n of [1, 2, 3, 4]) end(n);
  expect(begin()).toEqual([5, 6, 7, 8]);
  expect(rates.splice(0)).toEqual(Array(4).fill(OVERDUE));
  for (const n of [5, 6, 7, 8]) end(n);
  expect(begin()).toEqual([9, 10, 11]);
  for (const n of [9, 10, 11]) end(n);
  expect(begin()).toEqual([]);
  rates.splice(0);
  due.push(of(12, '12'));
  lane.stir();
  expect(begin()).toEqual([12]);
  expect(rates).toEqual([YIELDING]);
});

it('what has become due goes past what waits for something under way', () => {
  const { lane, begin, due } = endpoint([of(1, 'a'), of(2, 'a')]);
  expect(begin()).toEqual([1]);
  due.push(of(3, 'b'));
  expect(begin()).toEqual([]);
  lane.stir();
  expect(begin()).toEqual([3]);
});
