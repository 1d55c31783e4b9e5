/** Of the log as much is read as can be sent, each part once, whatever becomes of endpoints meanwhile. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { migrate } from '../tenant/migrate.ts';
import { Deliveries } from './deliveries.ts';
import { Endpoints } from './endpoints.ts';
import { FAR_BEHIND, Intake, type Page, type Wanted } from './intake.ts';
import { ENOUGH } from './lane.ts';
import { WEBHOOKS_STEPS } from './schema.ts';
import { Spans } from './spans.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Of each number one event, 20 to a page. */
async function logged({ after, upto }: Wanted): Promise<Page> {
  const end = Math.min(upto, after + 20);
  const events = Array.from({ length: end - after }, (_, at) => {
    return { seq: after + at + 1, type: 'call.ended', about: '', body: '{}' };
  });
  return { events, upto: end, lost: 0 };
}

/** Two endpoints, `e` and `f`. */
const withIntake = (
  test: (here: {
    readonly intake: Intake;
    readonly endpoints: Endpoints;
    readonly deliveries: Deliveries;
    readonly spans: Spans;
    readonly read: ReturnType<typeof vi.fn<(wanted: Wanted) => Promise<Page | null>>>;
    readonly came: ReturnType<typeof vi.fn<(endpoint: string) => void>>;
    /** The log of the site goes so far. */
    readonly told: (upto: number, epoch?: string) => boolean;
    readonly ids: (endpoint: string) => string[];
  }) => Promise<void>,
) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    migrate(storage, WEBHOOKS_STEPS);
    const { sql } = storage;
    sql.exec("INSERT INTO site (only, place, epoch, cursor, announced) VALUES (1, 'a/b', '', 0, 1)");
    const kept = { endpoints: new Endpoints(sql), deliveries: new Deliveries(sql), spans: new Spans(sql) };
    for (const id of ['e', 'f'])
      kept.endpoints.add(id, { secret: '', privateKey: '' }, { url: 'https://hooks.test/' }, 0);
    const read = vi.fn(logged);
    const came = vi.fn<(endpoint: string) => void>();
    const intake = new Intake({ ...kept, storage, read, came });
    await test({
      ...kept,
      intake,
      read,
      came,
      told: (upto, epoch = 'x') => intake.told({ epoch, since: 0, upto, keptMs: 3_600_000 }, Date.now()),
      ids: (endpoint) => kept.deliveries.dueBy(endpoint, Date.now(), 1_000).map(({ id }) => id),
    });
    intake.end();
  });

const numbers = (from: number, upto: number) =>
  Array.from({ length: upto - from + 1 }, (_, at) => `msg_x_${from + at}`);

it('as much is read as can be sent next, one part at a time, and the rest when there is less', () =>
  withIntake(async ({ intake, deliveries, spans, read, told, ids }) => {
    expect(told(1_000)).toBe(true);
    expect(told(1_000)).toBe(true);
    for (let n = 0; n < 3; n++) intake.more('e');
    await vi.waitFor(() => expect(spans.behind('e')).toBe(960));
    intake.more('e');
    expect([ids('e'), ids('f'), read.mock.calls.length]).toEqual([numbers(1, 40), [], 2]);
    for (const delivery of deliveries.dueBy('e', Date.now(), 40 - ENOUGH + 1))
      deliveries.tried(delivery, { at: '', ms: 0 }, 1, { is: 'delivered' });
    intake.more('e');
    await vi.waitFor(() => expect(spans.behind('e')).toBe(940));
    expect(ids('e')).toEqual(numbers(40 - ENOUGH + 2, 60));
    intake.go();
    await vi.waitFor(() => expect(spans.behind('f')).toBe(960));
    expect(ids('f')).toEqual(numbers(1, 40));
  }));

it('who has asked for silence is read nothing for, until it is over, the log may forget, or it is far behind', () =>
  withIntake(async ({ intake, endpoints, deliveries, spans, read, told }) => {
    const until = Date.now() + 600_000;
    endpoints.silence('e', until);
    told(100);
    intake.more('e');
    expect(read).not.toHaveBeenCalled();
    expect(intake.due(Date.now())).toBeGreaterThan(Date.now());
    told(FAR_BEHIND);
    intake.more('e');
    expect(read).not.toHaveBeenCalled();
    told(FAR_BEHIND + 100);
    intake.more('e');
    await vi.waitFor(() => expect(spans.behind('e')).toBe(FAR_BEHIND));
    expect(read).toHaveBeenCalledTimes(5);
    for (const delivery of deliveries.dueBy('e', Date.now(), 100))
      deliveries.tried(delivery, { at: '', ms: 0 }, 1, { is: 'delivered' });
    intake.more('e');
    expect(read).toHaveBeenCalledTimes(5);
    vi.useFakeTimers({ toFake: ['Date'], now: until });
    intake.more('e');
    await vi.waitFor(() => expect(spans.behind('e')).toBe(FAR_BEHIND - 40));
  }));

it('what is deleted while it is read is not made a delivery', () =>
  withIntake(async ({ intake, endpoints, deliveries, spans, read, came, told, ids }) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    read.mockImplementationOnce(async (wanted) => {
      await promise;
      return logged(wanted);
    });
    told(50);
    intake.more('e');
    endpoints.delete('e');
    deliveries.clear('e');
    spans.clear('e');
    resolve();
    intake.more('f');
    await vi.waitFor(() => expect(ids('f')).toHaveLength(40));
    expect(new Set(came.mock.calls.map(([endpoint]) => endpoint))).toEqual(new Set(['f']));
    expect(ids('e')).toEqual([]);
  }));

it('numbers of another storage are other numbers: of the one before nothing is read any more', () =>
  withIntake(async ({ intake, endpoints, spans, read, told, ids }) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    told(50);
    expect(told(20, 'y')).toBe(true);
    expect([spans.behind('e'), spans.behind('f')]).toEqual([20, 20]);
    intake.more('e');
    await vi.waitFor(() => expect(ids('e')).toHaveLength(20));
    expect(ids('e')[0]).toBe('msg_y_1');
    // The site was made anew, and has not told of that yet.
    read.mockResolvedValueOnce(null);
    intake.more('f');
    await vi.waitFor(() => expect(spans.behind('f')).toBe(0));
    expect([ids('f'), endpoints.get('f')?.dropped]).toEqual([[], 20]);
  }));

it('what was read of a storage that was there before is not told under the numbers of the one after it', () =>
  withIntake(async ({ intake, spans, read, told, ids }) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    read.mockImplementationOnce(async (wanted) => {
      await promise;
      return logged(wanted);
    });
    told(10);
    intake.more('e');
    told(30, 'y');
    resolve();
    await vi.waitFor(() => expect(spans.behind('e')).toBe(0));
    expect(ids('e')).toEqual(numbers(1, 30).map((id) => id.replace('x', 'y')));
  }));

it('what cannot be read is due again in 5 s, and is all there then', () =>
  withIntake(async ({ intake, read, came, told, ids }) => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    read.mockRejectedValueOnce(new Error('unreachable'));
    told(30);
    intake.more('e');
    await vi.waitFor(() => expect(came).toHaveBeenCalledTimes(1));
    expect(intake.due(Date.now()) - Date.now()).toBeLessThanOrEqual(5_000);
    expect(warned).toHaveBeenCalled();
    await vi.waitFor(() => {
      intake.go();
      expect(ids('e')).toEqual(numbers(1, 30));
    });
  }));

it('what could not be read and is not to be read any more does not keep anybody awake', () =>
  withIntake(async ({ intake, endpoints, spans, read, came, told }) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    read.mockRejectedValueOnce(new Error('unreachable'));
    told(30);
    spans.clear('f');
    intake.more('e');
    await vi.waitFor(() => expect(came).toHaveBeenCalledTimes(1));
    const later = Date.now() + 6_000;
    expect(intake.due(later)).toBe(later);
    endpoints.silence('e', later + 600_000);
    expect(intake.due(later)).toBe(later + 600_000);
  }));

it('where all are disabled nobody wants to be told, once what they were to be told is read', () =>
  withIntake(async ({ intake, endpoints, spans, told, ids }) => {
    told(120);
    for (const id of ['e', 'f']) endpoints.disable(id, 'it answered 410 Gone');
    expect(told(140)).toBe(true);
    intake.go();
    await vi.waitFor(() => expect(spans.any).toBe(false));
    expect([ids('e'), ids('f')]).toEqual([numbers(1, 120), numbers(1, 120)]);
    expect(told(160)).toBe(false);
  }));
