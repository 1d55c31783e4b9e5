import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turnstile } from './turnstile.ts';

const LONG = 60_000;

describe('a turnstile', () => {
  it('admits in the order of coming, and never more than it has places', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 20 }),
        async (places, count) => {
          const turnstile = new Turnstile(places);
          const order: number[] = [];
          let inside = 0;
          let most = 0;
          await Promise.all(
            Array.from({ length: count }, async (_, who) => {
              expect(await turnstile.enter(LONG)).toBe(true);
              order.push(who);
              inside += 1;
              most = Math.max(most, inside);
              await Promise.resolve();
              inside -= 1;
              turnstile.leave();
            }),
          );
          expect(order).toEqual(Array.from({ length: count }, (_, who) => who));
          expect(most).toBe(Math.min(places, count));
        },
      ),
    );
  });

  it('turns away who has waited too long, and keeps the place for the next', async () => {
    const turnstile = new Turnstile(1);
    await turnstile.enter(LONG);
    const impatient = turnstile.enter(1);
    const patient = turnstile.enter(LONG);
    expect(await impatient).toBe(false);
    turnstile.leave();
    expect(await patient).toBe(true);
  });

  it('turns all away that wait when it is cleared', async () => {
    const turnstile = new Turnstile(0);
    const waiting = [turnstile.enter(LONG), turnstile.enter(LONG)];
    turnstile.clear();
    expect(await Promise.all(waiting)).toEqual([false, false]);
  });
});
