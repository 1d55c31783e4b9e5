import { describe, expect, it } from 'vitest';
import type { InDialogMessage, MiRequest } from '../../shared/protocol/link.ts';
import { createLog } from '../log.ts';
import type { MiResponse } from '../opensips/mi-message.ts';
import type { RequestTimeouts } from '../opensips/request-timeouts.ts';
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
        mi: { request: (method, _params, timeouts) => this.#start(method, timeouts) },
        inDialog: (method, _params, timeouts) => this.#start(method, timeouts),
        listDialogs: () => this.#start('list', { timeoutMs: 0, ttlMs: 0 }),
      },
      // The last one is refused although it is allowed.
      new Set(['dlg_list', 'dlg_send_sequential']),
      (id, response) => {
        this.replies.push([id, response]);
        this.emitChange();
        return this.replies.length;
      },
      createLog('silent', []),
      maxOpenRequests,
    );
  }

  #start(method: string, timeouts: RequestTimeouts): Promise<MiResponse> {
    return new Promise((finish) => {
      this.started.push({ method, timeouts, finish });
    });
  }

  acceptInDialog(request: Partial<InDialogMessage>): boolean {
    return this.requests.accept({
      type: 'in-dialog',
      id: 'a',
      method: 'probe',
      params: { callid: 'c', leg: 'caller' },
      timeout_ms: 5_000,
      ttl_ms: 60_000,
      ...request,
    });
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

  it('are sent within the time that the edge set, which may be shorter', () => {
    const harness = new Harness();
    harness.accept({ ttl_ms: 60_000, send_within_ms: 3_000 });
    expect(harness.started).toMatchObject([{ timeouts: { ttlMs: 60_000, sendWithinMs: 3_000 } }]);
  });

  it.each<[string, Partial<MiRequest>, MiResponse]>([
    ['are refused if the method is not allowed', { method: 'kill' }, { outcome: 'refused' }],
    [
      'are refused if they could send any request to a phone',
      { method: 'dlg_send_sequential' },
      { outcome: 'refused' },
    ],
    ['expire if no time is left', { ttl_ms: 0 }, { outcome: 'expired' }],
    ['expire if their time has passed', { ttl_ms: -5_000 }, { outcome: 'expired' }],
  ])('%s, and do not run', async (_, request, response) => {
    const harness = new Harness();
    harness.accept(request);
    await harness.waitFor(() => harness.replies.length > 0);
    expect(harness.replies).toEqual([['a', response]]);
    expect(harness.started).toEqual([]);
  });

  it('run within a dialog although that is no allowed MI command, also once and in time', async () => {
    const harness = new Harness();
    harness.acceptInDialog({});
    harness.acceptInDialog({});
    harness.acceptInDialog({ id: 'late', ttl_ms: 0 });
    harness.started[0]?.finish({ result: { status: '200 OK' } });
    await harness.waitFor(() => harness.replies.length === 2);
    expect(harness.started).toMatchObject([{ method: 'probe', timeouts: { timeoutMs: 5_000 } }]);
    expect(harness.replies).toContainEqual(['a', { result: { status: '200 OK' } }]);
    expect(harness.replies).toContainEqual(['late', { outcome: 'expired' }]);
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
