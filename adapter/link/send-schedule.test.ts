import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherMs, SendSchedule } from './send-schedule.ts';

const alone = { awaitedCalls: 2, unacknowledgedReplies: 0, roundTripMs: 60 };
const busy = { ...alone, awaitedCalls: 40 };

describe('how far apart frames are', () => {
  it.each([
    ['a lone call is not held up, however far the edge is', { ...alone, roundTripMs: 300 }, 0],
    ['an attended transfer has three calls', { ...alone, awaitedCalls: 3 }, 0],
    ['a quarter of a round trip while many calls are under way', { ...busy, roundTripMs: 20 }, 5],
    ['15 ms at most', { ...busy, roundTripMs: 300 }, 15],
    ['a millisecond on one machine', { ...busy, roundTripMs: 0.4 }, 1],
    [
      'a millisecond if an edge that does not say what it waits for is busy',
      { awaitedCalls: 0, unacknowledgedReplies: 8, roundTripMs: 0 },
      1,
    ],
  ])('%s', (_, load, expected) => expect(gatherMs(load)).toBe(expected));
});

describe('when frames are sent', () => {
  it('sends the first message at once, and the next ones together', () => {
    const schedule = new SendSchedule(100);
    schedule.onAwaited(15, 1_000);
    expect(schedule.dueAt).toBe(1_000);
    schedule.onSent(1_000);
    schedule.onAwaited(15, 1_004);
    schedule.onAwaited(15, 1_009);
    expect(schedule.dueAt).toBe(1_015);
    schedule.onSent(1_015);
    schedule.onAwaited(15, 1_050);
    expect(schedule.dueAt).toBe(1_050);
  });

  it('lets what nobody waits for wait, until something else is sent', () => {
    const schedule = new SendSchedule(100);
    schedule.onUnawaited(1_000);
    schedule.onUnawaited(1_050);
    expect(schedule.dueAt).toBe(1_100);
    schedule.onAwaited(15, 1_060);
    expect(schedule.dueAt).toBe(1_060);
    schedule.onSent(1_060);
    expect(schedule.dueAt).toBe(Number.POSITIVE_INFINITY);
  });

  it('never lets a message wait longer than its bound, whatever comes when', () => {
    const added = fc.record({
      pauseMs: fc.integer({ min: 0, max: 40 }),
      isAwaited: fc.boolean(),
      gatherForMs: fc.constantFrom(0, 1, 5, 15),
    });
    fc.assert(
      fc.property(fc.array(added, { maxLength: 60 }), (messages) => {
        const schedule = new SendSchedule(100);
        let waiting: { bound: number }[] = [];
        let now = 0;
        const sendUntil = (until: number) => {
          while (schedule.dueAt <= until) {
            const at = schedule.dueAt;
            for (const { bound } of waiting) expect(at).toBeLessThanOrEqual(bound);
            waiting = [];
            schedule.onSent(at);
          }
        };
        for (const { pauseMs, isAwaited, gatherForMs } of messages) {
          now += pauseMs;
          sendUntil(now - 1);
          waiting.push({ bound: now + (isAwaited ? gatherForMs : 100) });
          if (isAwaited) schedule.onAwaited(gatherForMs, now);
          else schedule.onUnawaited(now);
          expect(schedule.dueAt).toBeGreaterThanOrEqual(now);
        }
        sendUntil(Number.MAX_SAFE_INTEGER);
        expect(waiting).toEqual([]);
      }),
    );
  });
});
