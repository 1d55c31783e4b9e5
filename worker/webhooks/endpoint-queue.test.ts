/** The order and the rate in which the deliveries of one endpoint are sent. */
import { expect, it } from 'vitest';
import type { Delivery } from './delivery-log.ts';
import {
  BATCH_SIZE,
  BUSY_RATE,
  EndpointQueue,
  FAILING_RATE,
  HEALTHY_RATE,
  OVERDUE_AFTER_MS,
  OVERDUE_RATE,
} from './endpoint-queue.ts';
import type { Rate } from './rate-limiter.ts';

/** Returns a delivery that is due. */
const delivery = (number: number, orderingKey: string): Delivery => ({
  number,
  orderingKey,
  endpointId: 'e',
  messageId: `msg_${number}`,
  type: 'call.ended',
  body: '{}',
  createdAt: 0,
  state: 'waiting',
  attemptCount: 0,
  due: 0,
  attempts: [],
});

/** Returns a queue for an endpoint with the given due deliveries, whose rates are recorded but not enforced. */
function createQueue(due: Delivery[]) {
  const load = { isBusy: false, now: 0 };
  const rates: Rate[] = [];
  const take = (rate: Rate) => rates.push(rate) > 0;
  const queue = new EndpointQueue({ take }, () => load.isBusy);
  const finished = new Set<number>();
  let readCount = 0;
  const readDue = () => {
    readCount++;
    return due.filter(({ number }) => !finished.has(number)).slice(0, BATCH_SIZE);
  };
  queue.invalidate();
  return {
    queue,
    due,
    load,
    /** The rate at which each delivery was started. */
    rates,
    /** Starts all deliveries that may be started, and returns their numbers. */
    start: (): number[] => {
      const started: number[] = [];
      for (let next = queue.next(readDue, load.now); next; next = queue.next(readDue, load.now))
        started.push(next.number);
      return started;
    },
    finish: (number: number, isDelivered = true) => {
      finished.add(number);
      queue.onFinished({ number }, isDelivered);
    },
    get readCount() {
      return readCount;
    },
  };
}

it('sends the deliveries of a call one after the other, and those of other calls meanwhile', () => {
  const { start, finish } = createQueue([
    delivery(1, 'a'),
    delivery(2, 'a'),
    delivery(3, 'b'),
    delivery(4, 'a'),
    delivery(5, 'b'),
  ]);
  expect(start()).toEqual([1, 3]);
  finish(3);
  expect(start()).toEqual([5]);
  finish(1);
  expect(start()).toEqual([2]);
  finish(2);
  expect(start()).toEqual([4]);
});

it('reads a thousand deliveries in batches, and sends each once and those of a call in order', () => {
  const due = Array.from({ length: 1_000 }, (_, index) =>
    delivery(index, `${Math.floor(index / 20)}/${index % 2}`),
  );
  const queue = createQueue(due);
  const sent: number[] = [];
  const inFlight = queue.start();
  while (inFlight.length > 0) {
    expect(inFlight.length).toBeLessThanOrEqual(HEALTHY_RATE.requests);
    // The newest request is answered first: the order within a call must not depend on the order of responses.
    const number = inFlight.pop() ?? Number.NaN;
    sent.push(number);
    queue.finish(number);
    inFlight.push(...queue.start());
  }
  expect(sent.toSorted((a, b) => a - b)).toEqual(due.map(({ number }) => number));
  for (const call of Map.groupBy(sent, (number) => due[number]?.orderingKey).values())
    expect(call).toEqual(call.toSorted((a, b) => a - b));
  expect(queue.readCount).toBeLessThanOrEqual(1_000 / (BATCH_SIZE - HEALTHY_RATE.requests) + 1);
});

it('sends four at a time to a healthy endpoint, and one at a time to a failing one', () => {
  const { start, finish } = createQueue(
    Array.from({ length: 20 }, (_, index) => delivery(index, `${index}`)),
  );
  expect(start()).toEqual([0, 1, 2, 3]);
  finish(0, false);
  expect(start()).toEqual([]);
  for (const number of [1, 2, 3]) finish(number, false);
  expect(start()).toEqual([4]);
  finish(4);
  expect(start()).toEqual([5, 6, 7, 8]);
});

it('does not send deliveries in flight again, although they are still due in the log', () => {
  const { queue, start } = createQueue([delivery(1, 'a'), delivery(2, 'b')]);
  expect(start()).toEqual([1, 2]);
  queue.invalidate();
  expect(start()).toEqual([]);
  queue.discardBatch();
  expect(start()).toEqual([]);
});

it('sends nothing after a stop until it is invalidated', () => {
  const { queue, start, finish } = createQueue(
    Array.from({ length: 8 }, (_, index) => delivery(index, `${index}`)),
  );
  expect(start()).toEqual([0, 1, 2, 3]);
  queue.stop();
  for (const number of [0, 1, 2, 3]) finish(number);
  expect([start(), queue.isSending, queue.hasMore]).toEqual([[], false, false]);
  queue.invalidate();
  expect(start()).toEqual([4, 5, 6, 7]);
});

it('does not read the log again when nothing more is due', () => {
  const queue = createQueue([delivery(1, 'a'), delivery(2, 'b')]);
  expect(queue.start()).toEqual([1, 2]);
  queue.finish(1);
  queue.finish(2);
  expect([queue.start(), queue.readCount]).toEqual([[], 1]);
});

it('starts fewer requests while calls are busy, with as many in flight, and no more to a failing endpoint', () => {
  const { start, finish, load, rates } = createQueue(
    Array.from({ length: 9 }, (_, index) => delivery(index, `${index}`)),
  );
  load.isBusy = true;
  expect(start()).toEqual([0, 1, 2, 3]);
  expect(rates.splice(0)).toEqual([BUSY_RATE, BUSY_RATE, BUSY_RATE, BUSY_RATE]);
  load.isBusy = false;
  finish(0);
  expect(start()).toEqual([4]);
  expect(rates.splice(0)).toEqual([HEALTHY_RATE]);
  load.isBusy = true;
  for (const number of [1, 2, 3, 4]) finish(number, false);
  expect(start()).toEqual([5]);
  load.isBusy = false;
  finish(5, false);
  expect(start()).toEqual([6]);
  expect(rates).toEqual([BUSY_RATE, FAILING_RATE]);
});

it('sends faster to an endpoint that has been behind for long while calls are busy, until it has caught up', () => {
  const { queue, due, start, finish, load, rates } = createQueue(
    Array.from({ length: 12 }, (_, index) => delivery(index, `${index}`)),
  );
  load.isBusy = true;
  start();
  load.now = OVERDUE_AFTER_MS - 1;
  finish(0);
  start();
  expect(rates.splice(0)).toEqual(Array(5).fill(BUSY_RATE));
  load.now = OVERDUE_AFTER_MS;
  for (const number of [1, 2, 3, 4]) finish(number);
  expect(start()).toEqual([5, 6, 7, 8]);
  expect(rates.splice(0)).toEqual(Array(4).fill(OVERDUE_RATE));
  for (const number of [5, 6, 7, 8]) finish(number);
  expect(start()).toEqual([9, 10, 11]);
  for (const number of [9, 10, 11]) finish(number);
  expect(start()).toEqual([]);
  rates.splice(0);
  due.push(delivery(12, '12'));
  queue.invalidate();
  expect(start()).toEqual([12]);
  expect(rates).toEqual([BUSY_RATE]);
});

it('sends newer deliveries while older ones wait for a delivery in flight', () => {
  const { queue, start, due } = createQueue([delivery(1, 'a'), delivery(2, 'a')]);
  expect(start()).toEqual([1]);
  due.push(delivery(3, 'b'));
  expect(start()).toEqual([]);
  queue.invalidate();
  expect(start()).toEqual([3]);
});
