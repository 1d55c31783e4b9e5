/** The webhook object is notified of everything that is written, but not too often, through failures and hibernations. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { LogNotifier, type NotifierOptions } from './log-notifier.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

interface NotifierFixture {
  /** Restores the notifier, as after a hibernation, with 5 as the last number in the log. */
  readonly restore: () => LogNotifier;
  readonly notify: ReturnType<typeof vi.fn<NotifierOptions['notify']>>;
  readonly onStopped: ReturnType<typeof vi.fn<NotifierOptions['onStopped']>>;
}

/** Runs a test with a notifier whose notifications succeed, unless the test lets them fail. */
function withNotifier(test: (fixture: NotifierFixture) => Promise<void>): Promise<void> {
  return runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    const notify = vi.fn<NotifierOptions['notify']>(async () => true);
    const onStopped = vi.fn<NotifierOptions['onStopped']>();
    const options = { epoch: 'x', retentionMs: () => 60_000, notify, onStopped };
    await test({ restore: () => new LogNotifier(storage.sql, 5, options), notify, onStopped });
  });
}

const notifiedSeqs = ({ mock }: NotifierFixture['notify']) => mock.calls.map(([, { lastSeq }]) => lastSeq);

it('notifies once of what is written within a short time, from where it was enabled', () =>
  withNotifier(async ({ restore, notify }) => {
    vi.useFakeTimers();
    const notifier = restore();
    notifier.onWritten(7, Date.now());
    await vi.runAllTimersAsync();
    expect(notify).not.toHaveBeenCalled();
    notifier.enable('a/b');
    for (const lastSeq of [8, 9, 10]) notifier.onWritten(lastSeq, Date.now());
    await vi.runAllTimersAsync();
    const position = { epoch: 'x', startSeq: 7, lastSeq: 10, retentionMs: 60_000 };
    expect(notify.mock.calls).toEqual([['a/b', position]]);
    expect(notifier.due).toBe(Number.POSITIVE_INFINITY);
  }));

it('notifies later of what is written during a notification, unless a flush waits for it', () =>
  withNotifier(async ({ restore, notify }) => {
    vi.useFakeTimers();
    const first = Promise.withResolvers<boolean>();
    notify.mockReturnValueOnce(first.promise);
    const notifier = restore();
    notifier.enable('a/b');
    notifier.onWritten(6, Date.now());
    await vi.runAllTimersAsync();
    notifier.onWritten(7, Date.now());
    first.resolve(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(notifiedSeqs(notify)).toEqual([6]);
    expect(notifier.due).toBeLessThan(Number.POSITIVE_INFINITY);
    const second = Promise.withResolvers<boolean>();
    notify.mockReturnValueOnce(second.promise);
    const running = notifier.flush();
    notifier.onWritten(8, Date.now());
    const waiting = notifier.flush();
    second.resolve(true);
    await running;
    await waiting;
    expect(notifiedSeqs(notify)).toEqual([6, 7, 8]);
  }));

it('repeats a failed notification when it is due, and notifies again after a hibernation', () =>
  withNotifier(async ({ restore, notify }) => {
    vi.useFakeTimers();
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    notify.mockRejectedValueOnce(new Error('unreachable'));
    const notifier = restore();
    notifier.enable('a/b');
    notifier.onWritten(6, Date.now());
    await vi.advanceTimersByTimeAsync(1_000);
    const { due } = notifier;
    expect([notifiedSeqs(notify), due > Date.now()]).toEqual([[6], true]);
    notifier.onAlarm(due - 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(notifiedSeqs(notify)).toEqual([6]);
    notifier.onAlarm(due);
    await vi.advanceTimersByTimeAsync(0);
    expect(notifiedSeqs(notify)).toEqual([6, 6]);
    restore().onAlarm(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(notifiedSeqs(notify)).toEqual([6, 6, 5]);
  }));

it('stops when no endpoint needs events, unless it was enabled again meanwhile', () =>
  withNotifier(async ({ restore, notify, onStopped }) => {
    const notifier = restore();
    notifier.enable('a/b');
    notifier.onWritten(6, Date.now());
    const { promise, resolve } = Promise.withResolvers<boolean>();
    notify.mockReturnValueOnce(promise);
    const flushed = notifier.flush();
    notifier.enable('a/b');
    resolve(false);
    await flushed;
    expect([notifier.isEnabled, onStopped.mock.calls.length]).toEqual([true, 0]);
    notifier.onWritten(7, Date.now());
    notify.mockResolvedValueOnce(false);
    await notifier.flush();
    expect([notifier.isEnabled, restore().isEnabled, onStopped.mock.calls.length]).toEqual([false, false, 1]);
    notifier.onWritten(8, Date.now());
    await notifier.flush();
    expect(notifiedSeqs(notify)).toEqual([6, 7]);
    notifier.stop();
  }));
