import { describe, expect, test } from 'vitest';
import { Clock } from './clock.ts';

describe('the clock', () => {
  test('runs earlier tasks first, and tasks with equal due times in the order of scheduling', async () => {
    const clock = new Clock();
    const order: string[] = [];
    const timeline = clock.timeline();
    clock.schedule(6, () => order.push('last'));
    clock.schedule(3, () => order.push('second'));
    clock.schedule(0.5, () => order.push('first'));
    for (const name of ['one', 'two', 'three']) void timeline.wait(0).then(() => order.push(name));
    await new Promise<void>((resolve) => clock.schedule(8, resolve));
    expect(order).toEqual(['one', 'two', 'three', 'first', 'second', 'last']);
  });

  test('keeps the order of steps although one runs late, because waits count from due times', async () => {
    const clock = new Clock();
    const [slow, exact] = [clock.timeline(), clock.timeline()];
    const order: string[] = [];
    const late = (async () => {
      await slow.wait(1);
      const until = performance.now() + 3;
      while (performance.now() < until);
      await slow.wait(1);
      order.push('due after 2 ms');
    })();
    await exact.wait(4);
    order.push('due after 4 ms');
    await late;
    expect(order).toEqual(['due after 2 ms', 'due after 4 ms']);
  });

  test('settles a race with the first outcome', async () => {
    const clock = new Clock();
    const timeline = clock.timeline();
    const accepted: boolean[] = [];
    const first = timeline.race(0, 'due', (interrupt) =>
      clock.schedule(1, () => accepted.push(interrupt('late'))),
    );
    expect(await first).toBe('due');
    const second = timeline.race(60_000, 'due', (interrupt) => accepted.push(interrupt('interrupted')));
    expect(await second).toBe('interrupted');
    await timeline.wait(2);
    expect(accepted).toEqual([true, false]);
    clock.clear();
  });

  test('drops all scheduled tasks when it is cleared', async () => {
    const clock = new Clock();
    const order: string[] = [];
    clock.schedule(0, () => order.push('dropped'));
    clock.clear();
    await new Promise<void>((resolve) => clock.schedule(1, resolve));
    expect(order).toEqual([]);
  });
});
