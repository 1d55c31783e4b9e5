import { describe, expect, it } from 'vitest';
import type { Mi } from '../shared/link.ts';
import { createLog } from './log.ts';
import type { Patience } from './mi.ts';
import type { MiAnswer } from './mi-message.ts';
import { Requests } from './requests.ts';
import { Changing } from './testing/until.ts';

/** An MI on which the test decides, and what was replied. */
class Bench extends Changing {
  readonly ran: { method: string; patience: Patience; end: (answer: MiAnswer) => void }[] = [];
  readonly replies: [string, MiAnswer][] = [];
  readonly requests: Requests;

  constructor(remembered?: number) {
    super();
    this.requests = new Requests(
      {
        request: (method, _params, patience) =>
          new Promise((end) => {
            this.ran.push({ method, patience, end });
          }),
      },
      new Set(['dlg_list']),
      (id, answer) => {
        this.replies.push([id, answer]);
        this.changed();
        return this.replies.length;
      },
      createLog('silent', []),
      remembered,
    );
  }

  take(request: Partial<Mi>): boolean {
    return this.requests.take({
      type: 'mi',
      id: 'a',
      method: 'dlg_list',
      params: {},
      timeout_ms: 5_000,
      ttl_ms: 60_000,
      ...request,
    });
  }
}

describe('a request of the edge', () => {
  it('is run with the time that it was given', async () => {
    const bench = new Bench();
    bench.take({});
    expect(bench.ran).toMatchObject([{ method: 'dlg_list', patience: { timeoutMs: 5_000, ttlMs: 60_000 } }]);
    bench.ran[0]?.end({ result: 'OK' });
    await bench.until(() => bench.replies.length > 0);
    expect(bench.replies).toEqual([['a', { result: 'OK' }]]);
  });

  it.each<[string, Partial<Mi>, MiAnswer]>([
    ['that is not on the list is refused', { method: 'kill' }, { outcome: 'refused' }],
    ['whose time is over expires', { ttl_ms: 0 }, { outcome: 'expired' }],
    ['whose time was over long ago expires', { ttl_ms: -5_000 }, { outcome: 'expired' }],
  ])('%s and is not run', async (_, request, answer) => {
    const bench = new Bench();
    bench.take(request);
    await bench.until(() => bench.replies.length > 0);
    expect(bench.replies).toEqual([['a', answer]]);
    expect(bench.ran).toEqual([]);
  });

  it('sent again runs once, and is answered once', async () => {
    const bench = new Bench();
    bench.take({});
    bench.take({});
    bench.ran[0]?.end({ result: 'OK' });
    await bench.until(() => bench.replies.length > 0);
    bench.take({});
    expect(bench.ran).toHaveLength(1);
    expect(bench.replies).toHaveLength(1);
  });

  it('is not taken where too many are open', () => {
    const bench = new Bench(1);
    expect(bench.take({ id: 'a' })).toBe(true);
    expect(bench.take({ id: 'b' })).toBe(false);
    expect(bench.take({ id: 'a' })).toBe(true);
    expect(bench.ran).toHaveLength(1);
  });
});
