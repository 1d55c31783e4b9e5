import { describe, expect, test } from 'vitest';
import { Clock } from './clock.ts';

describe('the clock', () => {
  test('runs the earlier first, and of equal times the one that was asked for first', async () => {
    const clock = new Clock();
    const order: string[] = [];
    const timeline = clock.timeline();
    clock.after(6, () => order.push('last'));
    clock.after(3, () => order.push('second'));
    clock.after(0.5, () => order.push('first'));
    for (const name of ['one', 'two', 'three']) void timeline.pass(0).then(() => order.push(name));
    await new Promise<void>((resolve) => clock.after(8, resolve));
    expect(order).toEqual(['one', 'two', 'three', 'first', 'second', 'last']);
  });

  test('a timeline counts from when its last step was due, so lateness changes no order', async () => {
    const clock = new Clock();
    const [slow, exact] = [clock.timeline(), clock.timeline()];
    const order: string[] = [];
    const late = (async () => {
      await slow.pass(1);
      const until = performance.now() + 3;
      while (performance.now() < until);
      await slow.pass(1);
      order.push('due after 2 ms');
    })();
    await exact.pass(4);
    order.push('due after 4 ms');
    await late;
    expect(order).toEqual(['due after 2 ms', 'due after 4 ms']);
  });

  test('a race is over with what comes first', async () => {
    const clock = new Clock();
    const timeline = clock.timeline();
    const taken: boolean[] = [];
    const first = timeline.race(0, 'due', (interrupt) => clock.after(1, () => taken.push(interrupt('late'))));
    expect(await first).toBe('due');
    const second = timeline.race(60_000, 'due', (interrupt) => taken.push(interrupt('interrupted')));
    expect(await second).toBe('interrupted');
    await timeline.pass(2);
    expect(taken).toEqual([true, false]);
    clock.clear();
  });

  test('forgets what is due when it is cleared', async () => {
    const clock = new Clock();
    const order: string[] = [];
    clock.after(0, () => order.push('forgotten'));
    clock.clear();
    await new Promise<void>((resolve) => clock.after(1, resolve));
    expect(order).toEqual([]);
  });
});
