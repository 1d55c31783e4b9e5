/** The log of commands: kept while it is wanted, dropped whole, and never confused about where it stands. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { Command } from '../shared/stored-command.ts';
import { RETENTION, type Retention, retentionOf } from './store/segments.ts';
import { Store } from './store.ts';

const retention: Retention = { segmentMs: 1_000, segmentSpan: 10, segments: 3, keptMs: 5_000 };
const FAR = Number.MAX_SAFE_INTEGER;

/** Runs with a fresh SQL database, which `reopen` opens anew, as after a sleep. */
async function withStore(test: (reopen: () => Store, sql: SqlStorage) => void): Promise<void> {
  const stub = env.SWITCHBOARD.get(env.SWITCHBOARD.newUniqueId());
  await runInDurableObject(stub, (_, { storage }) =>
    test(() => new Store(storage.sql, retention), storage.sql),
  );
}

function command(id: number, over: boolean, seqs: number[] = [], session = 'one'): Command {
  return {
    id,
    cmdId: `c${id}`,
    method: 'Echo',
    params: {},
    subject: 'me',
    session,
    state: over ? null : { follows: [] },
    asked: 0,
    pending: {},
    timers: {},
    told: seqs.map((seq) => ({ seq, event: `e${seq}` })),
    cancelledBy: [],
    position: 0,
  };
}

const append = (store: Store, position: number, commands: Command[], floor = position, now = 0) =>
  store.append({ position, commands, floor, applied: { stream: 's', seq: position } }, now);

it('gives back what runs, as it last stood, and where the numbers go on', () =>
  withStore((reopen) => {
    const store = reopen();
    append(store, 3, [command(1, false, [2])]);
    append(store, 6, [command(4, false, [5])], 3);
    append(store, 8, [command(1, true, [2, 7])], 6);
    const { running, position, applied } = reopen().awake();
    expect(running.map(({ id }) => id)).toEqual([4]);
    expect(position).toBe(9);
    expect(applied).toEqual({ stream: 's', seq: 8 });
  }));

it('keeps its epoch, so that ids of MI requests are never used again', () =>
  withStore((reopen) => {
    const { epoch } = reopen().awake();
    expect(reopen().awake().epoch).toBe(epoch);
  }));

it('finds an ended command by its name, across segments, and not that of another subject', () =>
  withStore((reopen) => {
    const store = reopen();
    for (let id = 1; id < 40; id += 3) append(store, id + 2, [command(id, true, [id + 1])]);
    expect(store.ended('me', 'c1')?.told).toEqual([{ seq: 2, event: 'e2' }]);
    expect(reopen().ended('me', 'c37')?.id).toBe(37);
    expect(store.ended('you', 'c1')).toBeUndefined();
    expect(store.ended('me', 'c2')).toBeUndefined();
  }));

it('finds one in as many segments as are ever kept', () =>
  withStore((_, sql) => {
    const store = new Store(sql, { ...retention, segments: RETENTION.segments });
    for (let position = 1; position <= 100; position++) append(store, position, [command(position, true)]);
    expect(sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'log_%'").toArray()).toHaveLength(
      RETENTION.segments + 1,
    );
    for (const id of [41, 60, 100]) expect(store.ended('me', `c${id}`)?.id).toBe(id);
    expect(store.ended('me', 'c1')).toBeUndefined();
    expect(store.ended('me', 'nobody')).toBeUndefined();
  }));

it('replays a session from any point, in order and without a double', () =>
  withStore((reopen) => {
    const store = reopen();
    append(store, 4, [command(1, false, [2, 3])]);
    append(store, 7, [command(5, true, [6], 'other')], 4);
    append(store, 9, [command(1, true, [2, 3, 8])], 4);
    const seqs = (since: number) => store.told('me', 'one', since)?.map(({ told }) => told.seq);
    expect(seqs(0)).toEqual([2, 3, 8]);
    expect(seqs(2)).toEqual([3, 8]);
    expect(seqs(8)).toEqual([]);
    expect(store.told('you', 'one', 0)).toEqual([]);
  }));

it('knows nothing of a cursor from another life', () =>
  withStore((reopen) => {
    const store = reopen();
    append(store, 4, [command(1, true, [2])]);
    expect(store.told('me', 'one', 99)).toBeUndefined();
  }));

it('drops what is too old, and says so to who asks for it', () =>
  withStore((reopen) => {
    const store = reopen();
    append(store, 3, [command(1, true, [2])], 3, 0);
    append(store, 6, [command(4, true, [5])], 6, 2_000);
    store.segments.trim(5_999, FAR);
    expect(store.ended('me', 'c1')).toBeDefined();
    store.segments.trim(6_000, FAR);
    expect(store.ended('me', 'c1')).toBeUndefined();
    expect(store.ended('me', 'c4')).toBeDefined();
    expect(store.told('me', 'one', 0)).toBeUndefined();
    expect(store.told('me', 'one', 3)).toHaveLength(1);
    expect(store.segments.due).toBe(8_000);
  }));

it('goes on counting when everything was dropped', () =>
  withStore((reopen) => {
    const store = reopen();
    append(store, 3, [command(1, true, [2])]);
    store.segments.trim(10_000, FAR);
    expect(store.segments.due).toBe(Number.POSITIVE_INFINITY);
    const later = reopen();
    expect(later.awake()).toMatchObject({ position: 4, running: [] });
    append(later, 6, [command(4, true, [5])], 6, 10_000);
    expect(reopen().awake().position).toBe(7);
    expect(later.told('me', 'one', 2)).toBeUndefined();
    expect(later.told('me', 'one', 3)).toHaveLength(1);
  }));

it('keeps so many segments at most, also where no alarm comes in between', () =>
  withStore((reopen, sql) => {
    const store = reopen();
    for (let position = 1; position <= 200; position++) {
      append(store, position, [command(position, true)]);
    }
    const tables = sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'log_%'").toArray();
    expect(tables).toHaveLength(retention.segments + 1);
    expect(store.ended('me', 'c200')).toBeDefined();
    expect(store.ended('me', 'c1')).toBeUndefined();
  }));

it('an hour, or as short as it is told: nothing is older, and four fifths of that are always there', () => {
  expect(retentionOf(3_600)).toEqual(RETENTION);
  for (const seconds of [60, 901, 3_600]) {
    const { segmentMs, keptMs } = retentionOf(seconds);
    expect(segmentMs + keptMs).toBe(seconds * 1_000);
    expect(keptMs).toBeGreaterThanOrEqual(seconds * 800 - 1);
  }
});

it('what is to be kept for less is dropped by the next trim', () =>
  withStore((reopen) => {
    const store = reopen();
    store.segments.keepFor(3_600);
    append(store, 3, [command(1, true, [2])], 3, 0);
    expect(store.segments.due).toBe(3_600_000);
    store.segments.keepFor(60);
    expect(store.segments.due).toBe(60_000);
    store.segments.trim(59_999, FAR);
    expect(store.ended('me', 'c1')).toBeDefined();
    store.segments.trim(60_000, FAR);
    expect(store.ended('me', 'c1')).toBeUndefined();
  }));

it('what a running command keeps from being dropped is due again later, not at once', () =>
  withStore((reopen) => {
    const store = reopen();
    append(store, 3, [command(1, false, [2])], 3, 0);
    store.segments.trim(60_000, 3);
    expect(store.segments.due).toBe(60_000 + retention.segmentMs);
    store.segments.trim(60_500, FAR);
    expect(store.segments.due).toBe(Number.POSITIVE_INFINITY);
  }));

it('drops nothing that a running command still needs', () =>
  withStore((reopen) => {
    const store = reopen();
    append(store, 3, [command(1, false, [2])], 3, 0);
    append(store, 6, [command(4, true, [5])], 3, 60_000);
    store.segments.trim(60_000, 3);
    expect(
      reopen()
        .awake()
        .running.map(({ id }) => id),
    ).toEqual([1]);
  }));

it('writes one row a turn, and one more for each command that ends', () =>
  withStore((reopen, sql) => {
    const store = reopen();
    append(store, 1, [command(1, false)]);
    const written = (write: () => void) => {
      const before = sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n;
      write();
      return sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n - before;
    };
    expect(written(() => append(store, 2, [command(1, false), command(2, false), command(3, false)]))).toBe(
      1,
    );
    expect(written(() => append(store, 3, [command(1, true), command(2, false)]))).toBe(2);
  }));
