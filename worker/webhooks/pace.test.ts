/** A backlog is sent no faster than the pace, by counts: the clock is the test's. */
import { expect, it } from 'vitest';
import { PACE_MS, Pace } from './pace.ts';

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

/** One who always has more to send, at so many in a window. */
function greedy(most: number) {
  const clock = new Clock();
  const begun: number[] = [];
  const pace: Pace = new Pace(clock.after, () => send());
  const send = () => {
    while (pace.take(most)) begun.push(clock.now);
  };
  return { clock, begun, send };
}

it.each([4, 1])('of a backlog, %i are begun in each window', (most) => {
  const { clock, begun, send } = greedy(most);
  send();
  clock.pass(1_000 * PACE_MS - 1);
  expect(begun).toHaveLength(1_000 * most);
  for (const within of Map.groupBy(begun, (at) => Math.floor(at / PACE_MS)).values())
    expect(within).toHaveLength(most);
});

it('asking more often makes it no faster', () => {
  const { clock, begun, send } = greedy(4);
  for (let ms = 0; ms < 10 * PACE_MS; ms++) {
    send();
    clock.pass(1);
  }
  expect(begun.length).toBeLessThanOrEqual(4 * 11);
});

it('who asks for less than it allows waits for nothing, and no timer is left when nobody asks', () => {
  const clock = new Clock();
  const pace = new Pace(clock.after, () => expect.unreachable('nobody was refused'));
  for (let n = 0; n < 100; n++) {
    for (let each = 0; each < 4; each++) expect(pace.take(4)).toBe(true);
    clock.pass(PACE_MS);
  }
  expect(clock.size).toBe(0);
});

it('one that falls ill in a window begins no other in it', () => {
  const clock = new Clock();
  let again = 0;
  const pace = new Pace(clock.after, () => again++);
  expect(pace.take(4)).toBe(true);
  expect(pace.take(1)).toBe(false);
  clock.pass(PACE_MS);
  expect(again).toBe(1);
  expect(pace.take(1)).toBe(true);
});
