/** A backlog is sent no faster than the rate allows. The tests have their own clock. */
import { expect, it } from 'vitest';
import { FAILING_RATE, HEALTHY_RATE } from './endpoint-queue.ts';
import { type Rate, RateLimiter } from './rate-limiter.ts';

/** A clock that a test advances. */
class ManualClock {
  now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  readonly startTimer = (ms: number, callback: () => void) =>
    void this.#timers.push({ at: this.now + ms, callback });

  get timerCount(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now++;
      const due = this.#timers.filter(({ at }) => at <= this.now);
      this.#timers = this.#timers.filter(({ at }) => at > this.now);
      for (const { callback } of due) callback();
    }
  }
}

/** Returns a sender that always has more to send. */
function createBusySender(rate: Rate) {
  const clock = new ManualClock();
  const startTimes: number[] = [];
  const limiter: RateLimiter = new RateLimiter(clock.startTimer, () => send());
  const send = () => {
    while (limiter.take(rate)) startTimes.push(clock.now);
  };
  return { clock, startTimes, send };
}

it.each([HEALTHY_RATE, FAILING_RATE])(
  'starts as many requests of a backlog per window as the rate allows: %j',
  (rate) => {
    const { clock, startTimes, send } = createBusySender(rate);
    send();
    clock.advance(1_000 * rate.windowMs - 1);
    expect(startTimes).toHaveLength(1_000 * rate.requests);
    for (const window of Map.groupBy(startTimes, (at) => Math.floor(at / rate.windowMs)).values())
      expect(window).toHaveLength(rate.requests);
  },
);

it('is not faster when it is asked more often', () => {
  const { clock, startTimes, send } = createBusySender(HEALTHY_RATE);
  for (let ms = 0; ms < 10 * HEALTHY_RATE.windowMs; ms++) {
    send();
    clock.advance(1);
  }
  expect(startTimes.length).toBeLessThanOrEqual(11 * HEALTHY_RATE.requests);
});

it('delays nothing below the rate, and leaves no timer', () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter(clock.startTimer, () => expect.unreachable('nothing was rejected'));
  for (let window = 0; window < 100; window++) {
    for (let i = 0; i < HEALTHY_RATE.requests; i++) expect(limiter.take(HEALTHY_RATE)).toBe(true);
    clock.advance(HEALTHY_RATE.windowMs);
  }
  expect(clock.timerCount).toBe(0);
});

it('starts no more requests in a window when the rate is reduced', () => {
  const clock = new ManualClock();
  let availableCount = 0;
  const limiter = new RateLimiter(clock.startTimer, () => availableCount++);
  expect(limiter.take(HEALTHY_RATE)).toBe(true);
  expect(limiter.take(FAILING_RATE)).toBe(false);
  clock.advance(HEALTHY_RATE.windowMs);
  expect(availableCount).toBe(1);
  expect(limiter.take(FAILING_RATE)).toBe(true);
  clock.advance(HEALTHY_RATE.windowMs);
  expect(limiter.take(FAILING_RATE)).toBe(false);
});
