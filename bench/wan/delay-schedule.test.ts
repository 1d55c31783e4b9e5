import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DelaySchedule } from './delay-schedule.ts';

const network = { delayMs: 30, jitterMs: 5, loss: 0.01 };
/** A random number that loses no segment, and has no jitter. */
const lucky = () => 0.999_999;

it('delays the first bytes as much as later ones', () => {
  const schedule = new DelaySchedule({ ...network, jitterMs: 0 }, lucky);
  expect([schedule.arrivalOf(100, 0), schedule.arrivalOf(100, 500)]).toEqual([30, 530]);
});

it('holds up what follows a lost segment for two round trips', () => {
  const draws = [0, 0, 0, 0.5];
  const schedule = new DelaySchedule({ ...network, jitterMs: 0 }, () => draws.shift() ?? 0.5);
  expect(schedule.arrivalOf(100, 0)).toBe(150);
  expect(schedule.arrivalOf(100, 10)).toBe(150);
  expect(schedule.arrivalOf(100, 120)).toBe(150);
  expect(schedule.arrivalOf(100, 200)).toBe(230);
});

it('loses large messages more often, because they have more segments', () => {
  const draws = [0.5, 0.5, 0.5, 0];
  const schedule = new DelaySchedule({ ...network, jitterMs: 0 }, () => draws.shift() ?? 0.5);
  expect(schedule.arrivalOf(3 * 1_460, 0)).toBe(150);
});

it('delivers in order, and nothing before its delay', () => {
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 9_000 })), {
        minLength: 1,
      }),
      fc.infiniteStream(draw),
      (chunks, draws) => {
        const schedule = new DelaySchedule(network, () => draws.next().value);
        let now = 0;
        let last = 0;
        for (const [pause, bytes] of chunks) {
          now += pause;
          const arrival = schedule.arrivalOf(bytes, now);
          expect(arrival).toBeGreaterThanOrEqual(Math.max(last, now + network.delayMs));
          last = arrival;
        }
      },
    ),
  );
});
