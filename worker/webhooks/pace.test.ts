/** A backlog is sent no faster than the pace, by counts: the clock is the test's. */
import { expect, it } from 'vitest';
import { AILING, WELL } from './lane.ts';
import { Pace, type Rate } from './pace.ts';

/** A clock that moves when it is told to. */
class Clock {
  now = 0;
  #set: { readonly at: number; readonly then: () => void }[] = [];

  readonly after = (ms: number, then: () => void) => void this.#set.push({ at: this.now + ms, then });

  /** Timers that are set. */
  get size(): number {
    return this.#set.length;
  }

  pass(ms: number): void {
    for (const until = this.now + ms; this.now < until; ) {
      this.now++;
      const due = this.#set.filter(({ at }) => at <= this.now);
      this.#set = this.#set.filter(({ at }) => at > this.now);
      for (const { then } of due) then();
    }
  }
}

/** One who always has more to send. */
function greedy(rate: Rate) {
  const clock = new Clock();
  const begun: number[] = [];
  const pace: Pace = new Pace(clock.after, () => send());
  const send = () => {
    while (pace.take(rate)) begun.push(clock.now);
  };
  return { clock, begun, send };
}

it.each([WELL, AILING])('of a backlog as many are begun in each window as the rate says: %j', (rate) => {
  const { clock, begun, send } = greedy(rate);
  send();
  clock.pass(1_000 * rate.ms - 1);
  expect(begun).toHaveLength(1_000 * rate.most);
  for (const within of Map.groupBy(begun, (at) => Math.floor(at / rate.ms)).values())
    expect(within).toHaveLength(rate.most);
});

it('asking more often makes it no faster', () => {
  const { clock, begun, send } = greedy(WELL);
  for (let ms = 0; ms < 10 * WELL.ms; ms++) {
    send();
    clock.pass(1);
  }
  expect(begun.length).toBeLessThanOrEqual(11 * WELL.most);
});

it('who asks for less than it allows waits for nothing, and no timer is left when nobody asks', () => {
  const clock = new Clock();
  const pace = new Pace(clock.after, () => expect.unreachable('nobody was refused'));
  for (let n = 0; n < 100; n++) {
    for (let each = 0; each < WELL.most; each++) expect(pace.take(WELL)).toBe(true);
    clock.pass(WELL.ms);
  }
  expect(clock.size).toBe(0);
});

it('one that falls ill in a window begins no other in it', () => {
  const clock = new Clock();
  let again = 0;
  const pace = new Pace(clock.after, () => again++);
  expect(pace.take(WELL)).toBe(true);
  expect(pace.take(AILING)).toBe(false);
  clock.pass(WELL.ms);
  expect(again).toBe(1);
  expect(pace.take(AILING)).toBe(true);
  clock.pass(WELL.ms);
  expect(pace.take(AILING)).toBe(false);
});
