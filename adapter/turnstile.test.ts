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

  it('admits who takes several places when all of them are free, and nobody overtakes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 20 }),
        async (places, wishes) => {
          const turnstile = new Turnstile(places);
          const order: number[] = [];
          let inside = 0;
          await Promise.all(
            wishes.map(async (wish, who) => {
              expect(await turnstile.enter(LONG, wish)).toBe(true);
              order.push(who);
              inside += Math.min(wish, places);
              expect(inside).toBeLessThanOrEqual(places);
              await Promise.resolve();
              inside -= Math.min(wish, places);
              turnstile.leave(wish);
            }),
          );
          expect(order).toEqual(wishes.map((_, who) => who));
        },
      ),
    );
  });

  it('lets those behind in once who took too much room has given up', async () => {
    const turnstile = new Turnstile(2);
    await turnstile.enter(LONG);
    const large = turnstile.enter(1, 2);
    const small = turnstile.enter(LONG);
    expect([await large, await small]).toEqual([false, true]);
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
