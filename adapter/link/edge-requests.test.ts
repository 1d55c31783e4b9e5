import { describe, expect, it } from 'vitest';
import type { MiRequest } from '../../shared/protocol/link.ts';
import { createLog } from '../log.ts';
import type { RequestTimeouts } from '../opensips/mi-client.ts';
import type { MiResponse } from '../opensips/mi-message.ts';
import { ChangeEmitter } from '../testing/change-emitter.ts';
import { EdgeRequests } from './edge-requests.ts';

/** Edge requests with an MI client that the test controls. */
class Harness extends ChangeEmitter {
  readonly started: { method: string; timeouts: RequestTimeouts; finish: (response: MiResponse) => void }[] =
    [];
  readonly replies: [string, MiResponse][] = [];
  readonly requests: EdgeRequests;

  constructor(maxOpenRequests?: number) {
    super();
    this.requests = new EdgeRequests(
      {
        request: (method, _params, timeouts) =>
          new Promise((finish) => {
            this.started.push({ method, timeouts, finish });
          }),
      },
      new Set(['dlg_list']),
      (id, response) => {
        this.replies.push([id, response]);
        this.emitChange();
        return this.replies.length;
      },
      createLog('silent', []),
      maxOpenRequests,
    );
  }

  accept(request: Partial<MiRequest>): boolean {
    return this.requests.accept({
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

describe("the edge's requests", () => {
  it('run with the timeouts that the edge set', async () => {
    const harness = new Harness();
    harness.accept({});
    expect(harness.started).toMatchObject([
      { method: 'dlg_list', timeouts: { timeoutMs: 5_000, ttlMs: 60_000 } },
    ]);
    harness.started[0]?.finish({ result: 'OK' });
    await harness.waitFor(() => harness.replies.length > 0);
    expect(harness.replies).toEqual([['a', { result: 'OK' }]]);
  });

  it.each<[string, Partial<MiRequest>, MiResponse]>([
    ['are refused if the method is not allowed', { method: 'kill' }, { outcome: 'refused' }],
    ['expire if no time is left', { ttl_ms: 0 }, { outcome: 'expired' }],
    ['expire if their time has passed', { ttl_ms: -5_000 }, { outcome: 'expired' }],
  ])('%s, and do not run', async (_, request, response) => {
    const harness = new Harness();
    harness.accept(request);
    await harness.waitFor(() => harness.replies.length > 0);
    expect(harness.replies).toEqual([['a', response]]);
    expect(harness.started).toEqual([]);
  });

  it('run once and get one reply although the edge repeats them', async () => {
    const harness = new Harness();
    harness.accept({});
    harness.accept({});
    harness.started[0]?.finish({ result: 'OK' });
    await harness.waitFor(() => harness.replies.length > 0);
    harness.accept({});
    expect(harness.started).toHaveLength(1);
    expect(harness.replies).toHaveLength(1);
  });

  it('are rejected while too many are open', () => {
    const harness = new Harness(1);
    expect(harness.accept({ id: 'a' })).toBe(true);
    expect(harness.accept({ id: 'b' })).toBe(false);
    expect(harness.accept({ id: 'a' })).toBe(true);
    expect(harness.started).toHaveLength(1);
  });
});
