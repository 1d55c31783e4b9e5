/** The log is read only as far as events can be sent, each part once, whatever happens to endpoints meanwhile. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { migrate } from '../objects/migrate.ts';
import { eventually } from '../testing/eventually.ts';
import { DeliveryLog } from './delivery-log.ts';
import { REFILL_THRESHOLD } from './endpoint-queue.ts';
import { EndpointStore } from './endpoints.ts';
import type { LogPage, LogRange } from './log-range.ts';
import { LogReader, MAX_LAG } from './log-reader.ts';
import { PendingRanges } from './pending-ranges.ts';
import { WEBHOOKS_SCHEMA } from './schema.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Returns a page of up to 20 events, one for each number. */
async function pageOf({ afterSeq, lastSeq }: LogRange): Promise<LogPage> {
  const pageEnd = Math.min(lastSeq, afterSeq + 20);
  const events = Array.from({ length: pageEnd - afterSeq }, (_, index) => {
    return { seq: afterSeq + index + 1, type: 'call.ended', orderingKey: '', body: '{}' };
  });
  return { events, lastSeq: pageEnd, lostCount: 0 };
}

/** Runs a test with two endpoints, `e` and `f`. */
const withReader = (
  test: (context: {
    readonly reader: LogReader;
    readonly endpoints: EndpointStore;
    readonly deliveries: DeliveryLog;
    readonly ranges: PendingRanges;
    readonly readLog: ReturnType<typeof vi.fn<(range: LogRange) => Promise<LogPage | null>>>;
    readonly onDeliveries: ReturnType<typeof vi.fn<(endpointId: string) => void>>;
    /** Notifies the reader how far the log goes. */
    readonly advanceLog: (lastSeq: number, epoch?: string) => boolean;
    readonly messageIds: (endpointId: string) => string[];
  }) => Promise<void>,
) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    migrate(storage, WEBHOOKS_SCHEMA);
    const { sql } = storage;
    sql.exec("INSERT INTO site (id, name, epoch, last_seq, is_announced) VALUES (1, 'a/b', '', 0, 1)");
    const stores = {
      endpoints: new EndpointStore(sql),
      deliveries: new DeliveryLog(sql),
      ranges: new PendingRanges(sql),
    };
    for (const id of ['e', 'f'])
      stores.endpoints.add(id, { secret: '', privateKey: '' }, { url: 'https://hooks.test/' }, 0);
    const readLog = vi.fn<(range: LogRange) => Promise<LogPage | null>>(pageOf);
    const onDeliveries = vi.fn<(endpointId: string) => void>();
    const reader = new LogReader({ ...stores, storage, readLog, onDeliveries });
    await test({
      ...stores,
      reader,
      readLog,
      onDeliveries,
      advanceLog: (lastSeq, epoch = 'x') =>
        reader.onLogPosition({ epoch, startSeq: 0, lastSeq, retentionMs: 3_600_000 }, Date.now()),
      messageIds: (endpointId) =>
        stores.deliveries.listDue(endpointId, Date.now(), 1_000).map(({ messageId }) => messageId),
    });
    reader.stop();
  });

const expectedIds = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `msg_x_${first + index}`);

it('reads as much as can be sent next, and more when less is due', () =>
  withReader(async ({ reader, deliveries, ranges, readLog, advanceLog, messageIds }) => {
    expect(advanceLog(1_000)).toBe(true);
    expect(advanceLog(1_000)).toBe(true);
    for (let i = 0; i < 3; i++) reader.readNext('e');
    await eventually(() => expect(ranges.countPending('e')).toBe(960));
    reader.readNext('e');
    expect([messageIds('e'), messageIds('f'), readLog.mock.calls.length]).toEqual([
      expectedIds(1, 40),
      [],
      2,
    ]);
    for (const delivery of deliveries.listDue('e', Date.now(), 40 - REFILL_THRESHOLD + 1))
      deliveries.recordAttempt(
        delivery,
        { at: '', ms: 0 },
        { attemptCount: 1, outcome: { state: 'delivered' } },
      );
    reader.readNext('e');
    await eventually(() => expect(ranges.countPending('e')).toBe(940));
    expect(messageIds('e')).toEqual(expectedIds(40 - REFILL_THRESHOLD + 2, 60));
    reader.readNextForAll();
    await eventually(() => expect(ranges.countPending('f')).toBe(960));
    expect(messageIds('f')).toEqual(expectedIds(1, 40));
  }));

it('reads nothing for a quiet endpoint until its silence ends or it is far behind', () =>
  withReader(async ({ reader, endpoints, deliveries, ranges, readLog, advanceLog }) => {
    const quietUntil = Date.now() + 600_000;
    endpoints.setQuietUntil('e', quietUntil);
    advanceLog(100);
    reader.readNext('e');
    expect(readLog).not.toHaveBeenCalled();
    expect(reader.due(Date.now())).toBeGreaterThan(Date.now());
    advanceLog(MAX_LAG);
    reader.readNext('e');
    expect(readLog).not.toHaveBeenCalled();
    advanceLog(MAX_LAG + 100);
    reader.readNext('e');
    await eventually(() => expect(ranges.countPending('e')).toBe(MAX_LAG));
    expect(readLog).toHaveBeenCalledTimes(5);
    for (const delivery of deliveries.listDue('e', Date.now(), 100))
      deliveries.recordAttempt(
        delivery,
        { at: '', ms: 0 },
        { attemptCount: 1, outcome: { state: 'delivered' } },
      );
    reader.readNext('e');
    expect(readLog).toHaveBeenCalledTimes(5);
    vi.useFakeTimers({ toFake: ['Date'], now: quietUntil });
    reader.readNext('e');
    await eventually(() => expect(ranges.countPending('e')).toBe(MAX_LAG - 40));
  }));

it('creates no deliveries for an endpoint that is deleted during the read', () =>
  withReader(async (context) => {
    const { reader, endpoints, deliveries, ranges, readLog, onDeliveries, advanceLog, messageIds } = context;
    const { promise, resolve } = Promise.withResolvers<void>();
    readLog.mockImplementationOnce(async (range) => {
      await promise;
      return pageOf(range);
    });
    advanceLog(50);
    reader.readNext('e');
    endpoints.delete('e');
    deliveries.clear('e');
    ranges.clear('e');
    resolve();
    reader.readNext('f');
    await eventually(() => expect(messageIds('f')).toHaveLength(40));
    expect(new Set(onDeliveries.mock.calls.map(([endpointId]) => endpointId))).toEqual(new Set(['f']));
    expect(messageIds('e')).toEqual([]);
  }));

it('drops the ranges of an earlier epoch', () =>
  withReader(async ({ reader, endpoints, ranges, readLog, advanceLog, messageIds }) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    advanceLog(50);
    expect(advanceLog(20, 'y')).toBe(true);
    expect([ranges.countPending('e'), ranges.countPending('f')]).toEqual([20, 20]);
    reader.readNext('e');
    await eventually(() => expect(messageIds('e')).toHaveLength(20));
    expect(messageIds('e')[0]).toBe('msg_y_1');
    // The site was created again, and its new epoch is not known yet.
    readLog.mockResolvedValueOnce(null);
    reader.readNext('f');
    await eventually(() => expect(ranges.countPending('f')).toBe(0));
    expect([messageIds('f'), endpoints.get('f')?.droppedCount]).toEqual([[], 20]);
  }));

it('does not store events of an earlier epoch under the numbers of the current one', () =>
  withReader(async ({ reader, ranges, readLog, advanceLog, messageIds }) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    readLog.mockImplementationOnce(async (range) => {
      await promise;
      return pageOf(range);
    });
    advanceLog(10);
    reader.readNext('e');
    advanceLog(30, 'y');
    resolve();
    await eventually(() => expect(ranges.countPending('e')).toBe(0));
    expect(messageIds('e')).toEqual(expectedIds(1, 30).map((id) => id.replace('x', 'y')));
  }));

it('reads the log again 5 s after a failure, without losing anything', () =>
  withReader(async ({ reader, readLog, onDeliveries, advanceLog, messageIds }) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    readLog.mockRejectedValueOnce(new Error('unreachable'));
    advanceLog(30);
    reader.readNext('e');
    await eventually(() => expect(onDeliveries).toHaveBeenCalledTimes(1));
    expect(reader.due(Date.now()) - Date.now()).toBeLessThanOrEqual(5_000);
    expect(warn).toHaveBeenCalled();
    await eventually(() => {
      reader.readNextForAll();
      expect(messageIds('e')).toEqual(expectedIds(1, 30));
    });
  }));

it('sets no early alarm after a failure if the endpoint has become quiet', () =>
  withReader(async ({ reader, endpoints, ranges, readLog, onDeliveries, advanceLog }) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    readLog.mockRejectedValueOnce(new Error('unreachable'));
    advanceLog(30);
    ranges.clear('f');
    reader.readNext('e');
    await eventually(() => expect(onDeliveries).toHaveBeenCalledTimes(1));
    const later = Date.now() + 6_000;
    expect(reader.due(later)).toBe(later);
    endpoints.setQuietUntil('e', later + 600_000);
    expect(reader.due(later)).toBe(later + 600_000);
  }));

it('wants no more notifications when all endpoints are disabled and everything has been read', () =>
  withReader(async ({ reader, endpoints, ranges, advanceLog, messageIds }) => {
    advanceLog(120);
    for (const id of ['e', 'f']) endpoints.disable(id, 'The endpoint answered 410 Gone.');
    expect(advanceLog(140)).toBe(true);
    reader.readNextForAll();
    await eventually(() => expect(ranges.hasAny).toBe(false));
    expect([messageIds('e'), messageIds('f')]).toEqual([expectedIds(1, 120), expectedIds(1, 120)]);
    expect(advanceLog(160)).toBe(false);
  }));
