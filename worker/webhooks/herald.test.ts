/** Webhooks are told how far the log goes: of all that is written, not too often, and whoever dies or fails meanwhile. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { Herald, type News } from './herald.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Tell = (place: string, news: News) => Promise<boolean>;

/** A herald that tells `a/b` from number 5 on, and a way to wake up another in its place after a sleep. */
const withHerald = (
  test: (here: {
    readonly make: () => Herald;
    readonly tell: ReturnType<typeof vi.fn<Tell>>;
    readonly stopped: ReturnType<typeof vi.fn<() => void>>;
  }) => Promise<void>,
) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    const tell = vi.fn<Tell>(async () => true);
    const stopped = vi.fn<() => void>();
    const ways = { epoch: 'x', keptMs: () => 60_000, tell, stopped };
    await test({ make: () => new Herald(storage.sql, 5, ways), tell, stopped });
  });

const uptos = (tell: { readonly mock: { readonly calls: readonly [string, News][] } }) =>
  tell.mock.calls.map(([, { upto }]) => upto);

it('what is written is told together, from where it was asked for on', () =>
  withHerald(async ({ make, tell }) => {
    vi.useFakeTimers();
    const herald = make();
    herald.wrote(7, Date.now());
    await vi.runAllTimersAsync();
    expect(tell).not.toHaveBeenCalled();
    herald.begin('a/b');
    for (const written of [8, 9, 10]) herald.wrote(written, Date.now());
    await vi.runAllTimersAsync();
    expect(tell.mock.calls).toEqual([['a/b', { epoch: 'x', since: 7, upto: 10, keptMs: 60_000 }]]);
    expect(herald.due).toBe(Number.POSITIVE_INFINITY);
  }));

it('what is written while it tells waits for its own time, unless somebody waits for it', () =>
  withHerald(async ({ make, tell }) => {
    vi.useFakeTimers();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    tell.mockReturnValueOnce(promise);
    const herald = make();
    herald.begin('a/b');
    herald.wrote(6, Date.now());
    await vi.runAllTimersAsync();
    herald.wrote(7, Date.now());
    resolve(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(uptos(tell)).toEqual([6]);
    expect(herald.due).toBeLessThan(Number.POSITIVE_INFINITY);
    const { promise: second, resolve: answer } = Promise.withResolvers<boolean>();
    tell.mockReturnValueOnce(second);
    const running = herald.run();
    herald.wrote(8, Date.now());
    const waiting = herald.run();
    answer(true);
    await running;
    await waiting;
    expect(uptos(tell)).toEqual([6, 7, 8]);
  }));

it('what could not be told is due again, and told after a sleep, of which nobody knows what was told before', () =>
  withHerald(async ({ make, tell }) => {
    vi.useFakeTimers();
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    tell.mockRejectedValueOnce(new Error('unreachable'));
    const herald = make();
    herald.begin('a/b');
    herald.wrote(6, Date.now());
    await vi.advanceTimersByTimeAsync(1_000);
    const { due } = herald;
    expect([uptos(tell), due > Date.now()]).toEqual([[6], true]);
    herald.wake(due - 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(uptos(tell)).toEqual([6]);
    herald.wake(due);
    await vi.advanceTimersByTimeAsync(0);
    expect(uptos(tell)).toEqual([6, 6]);
    make().wake(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(uptos(tell)).toEqual([6, 6, 5]);
  }));

it('who wants nothing is told nothing more, unless somebody asked meanwhile', () =>
  withHerald(async ({ make, tell, stopped }) => {
    const herald = make();
    herald.begin('a/b');
    herald.wrote(6, Date.now());
    const { promise, resolve } = Promise.withResolvers<boolean>();
    tell.mockReturnValueOnce(promise);
    const asked = herald.run();
    herald.begin('a/b');
    resolve(false);
    await asked;
    expect([herald.on, stopped.mock.calls.length]).toEqual([true, 0]);
    herald.wrote(7, Date.now());
    tell.mockResolvedValueOnce(false);
    await herald.run();
    expect([herald.on, make().on, stopped.mock.calls.length]).toEqual([false, false, 1]);
    herald.wrote(8, Date.now());
    await herald.run();
    expect(uptos(tell)).toEqual([6, 7]);
    herald.end();
  }));
