/** Webhooks are told how far the log goes: of all that is written, not too often, and whoever dies or fails meanwhile. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { HandOver, type News } from './hand-over.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Tell = (place: string, news: News) => Promise<boolean>;

/** A hand-over to `a/b` that has begun at number 5, and a way to wake up another in its place after a sleep. */
const withHandOver = (
  test: (here: {
    readonly make: () => HandOver;
    readonly tell: ReturnType<typeof vi.fn<Tell>>;
    readonly stopped: ReturnType<typeof vi.fn<() => void>>;
  }) => Promise<void>,
) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    const tell = vi.fn<Tell>(async () => true);
    const stopped = vi.fn<() => void>();
    const ways = { epoch: 'x', keptMs: () => 60_000, tell, stopped };
    await test({ make: () => new HandOver(storage.sql, 5, ways), tell, stopped });
  });

const uptos = (tell: { readonly mock: { readonly calls: readonly [string, News][] } }) =>
  tell.mock.calls.map(([, { upto }]) => upto);

it('what is written is told together, from where it was asked for on', () =>
  withHandOver(async ({ make, tell }) => {
    vi.useFakeTimers();
    const hand = make();
    hand.wrote(7, Date.now());
    await vi.runAllTimersAsync();
    expect(tell).not.toHaveBeenCalled();
    hand.begin('a/b');
    for (const written of [8, 9, 10]) hand.wrote(written, Date.now());
    await vi.runAllTimersAsync();
    expect(tell.mock.calls).toEqual([['a/b', { epoch: 'x', since: 7, upto: 10, keptMs: 60_000 }]]);
    expect(hand.due).toBe(Number.POSITIVE_INFINITY);
  }));

it('what is written while it tells waits for its own time, unless somebody waits for it', () =>
  withHandOver(async ({ make, tell }) => {
    vi.useFakeTimers();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    tell.mockReturnValueOnce(promise);
    const hand = make();
    hand.begin('a/b');
    hand.wrote(6, Date.now());
    await vi.runAllTimersAsync();
    hand.wrote(7, Date.now());
    resolve(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(uptos(tell)).toEqual([6]);
    expect(hand.due).toBeLessThan(Number.POSITIVE_INFINITY);
    const { promise: second, resolve: answer } = Promise.withResolvers<boolean>();
    tell.mockReturnValueOnce(second);
    const running = hand.run();
    hand.wrote(8, Date.now());
    const waiting = hand.run();
    answer(true);
    await running;
    await waiting;
    expect(uptos(tell)).toEqual([6, 7, 8]);
  }));

it('what could not be told is due again, and told after a sleep, of which nobody knows what was told before', () =>
  withHandOver(async ({ make, tell }) => {
    vi.useFakeTimers();
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    tell.mockRejectedValueOnce(new Error('unreachable'));
    const hand = make();
    hand.begin('a/b');
    hand.wrote(6, Date.now());
    await vi.advanceTimersByTimeAsync(1_000);
    const { due } = hand;
    expect([uptos(tell), due > Date.now()]).toEqual([[6], true]);
    hand.wake(due - 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(uptos(tell)).toEqual([6]);
    hand.wake(due);
    await vi.advanceTimersByTimeAsync(0);
    expect(uptos(tell)).toEqual([6, 6]);
    make().wake(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(uptos(tell)).toEqual([6, 6, 5]);
  }));

it('who wants nothing is told nothing more, unless somebody asked meanwhile', () =>
  withHandOver(async ({ make, tell, stopped }) => {
    const hand = make();
    hand.begin('a/b');
    hand.wrote(6, Date.now());
    const { promise, resolve } = Promise.withResolvers<boolean>();
    tell.mockReturnValueOnce(promise);
    const asked = hand.run();
    hand.begin('a/b');
    resolve(false);
    await asked;
    expect([hand.on, stopped.mock.calls.length]).toEqual([true, 0]);
    hand.wrote(7, Date.now());
    tell.mockResolvedValueOnce(false);
    await hand.run();
    expect([hand.on, make().on, stopped.mock.calls.length]).toEqual([false, false, 1]);
    hand.wrote(8, Date.now());
    await hand.run();
    expect(uptos(tell)).toEqual([6, 7]);
    hand.end();
  }));
