/** An adapter without a link delivers its messages by knocking. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_KNOCK_LENGTH } from '../../shared/protocol/dial.ts';
import { LINK_VERSIONS } from '../../shared/protocol/link-negotiation.ts';
import { ADAPTER_KEY, createDialHarness, ringingDialog, storedCallids } from '../testing/harness.ts';

/** Starts an adapter whose edge answers knocks and dials only when the test does. */
async function startKnocking(timing: object = {}) {
  const harness = await createDialHarness(false);
  harness.dialer.knockStatus = 200;
  const adapter = harness.start({}, { timing });
  const address = await harness.listenAddress();
  const raise = (callid: string) => harness.opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog(callid));
  return { ...harness, adapter, address, raise };
}

it('delivers an event with the key and `hello`, and forgets it once it is stored', async () => {
  const { edge, dialer, raise, opensips } = await startKnocking();
  raise('a');
  await edge.waitFor(() => storedCallids(edge).includes('a'));
  expect(dialer.knockRequests[0]?.headers).toMatchObject({
    authorization: `Bearer ${ADAPTER_KEY}`,
    'content-type': 'application/json',
  });
  expect(dialer.knocks[0]).toMatchObject({
    hello: { type: 'hello', versions: LINK_VERSIONS, base: 1, opensips: { version: opensips.version } },
    messages: [{ type: 'event', seq: 1, params: { callid: 'a' } }],
  });
  raise('b');
  await edge.waitFor(() => storedCallids(edge).includes('b'));
  expect(dialer.knocks[1]).toMatchObject({ hello: { base: 2 }, messages: [{ seq: 2 }] });
  expect(edge.hellos).toEqual([]);
});

it('does not knock while there is nothing to deliver', async () => {
  const { opensips, dialer } = await startKnocking();
  // The adapter checks OpenSIPS all the time.
  const count = opensips.requestsFor('uptime').length;
  await opensips.waitFor(() => opensips.requestsFor('uptime').length > count + 5);
  expect(dialer.knocks).toEqual([]);
});

it('runs the requests in the answer once, although they come again on a link, and their replies follow', async () => {
  const { edge, dialer, opensips, raise, address } = await startKnocking();
  const request = { type: 'mi', id: 'x', method: 't_uac_dlg', params: {}, timeout_ms: 5_000, ttl_ms: 5_000 };
  dialer.knockAsks = [request];
  raise('a');
  const running = await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0]);
  raise('b');
  await edge.waitFor(() => storedCallids(edge).includes('b'));
  edge.accept((await dialer.dial(undefined, address)).socket);
  await edge.waitFor(() => edge.hellos[0]);
  edge.send(request);
  edge.sendRequest({ id: 'y', method: 'kill' });
  await edge.waitFor(() => edge.replies().length === 1);
  running.respond('OK');
  await edge.waitFor(() => edge.replies().length === 2);
  expect(opensips.requestsFor('t_uac_dlg')).toHaveLength(1);
  expect(edge.replies()).toMatchObject([{ id: 'y' }, { id: 'x', result: 'OK' }]);
});

it('does not run a request again that the answer to a knock repeats beside the acknowledgement of its reply', async () => {
  const { edge, dialer, opensips, raise } = await startKnocking();
  const request = { type: 'mi', id: 'x', method: 't_uac_dlg', params: {}, timeout_ms: 5_000, ttl_ms: 5_000 };
  dialer.knockAsks = [request];
  raise('a');
  (await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0])).respond('OK');
  // The reply goes with a knock, whose answer asks for the same again.
  await edge.waitFor(() => edge.replies().length === 1);
  dialer.knockAsks = [];
  raise('b');
  await edge.waitFor(() => storedCallids(edge).includes('b'));
  expect(opensips.requestsFor('t_uac_dlg')).toHaveLength(1);
  expect(edge.replies()).toHaveLength(1);
});

it('runs no forbidden command, and none that is too late', async () => {
  const { edge, dialer, opensips, raise } = await startKnocking();
  const common = { type: 'mi', params: {}, timeout_ms: 5_000 };
  dialer.knockAsks = [
    { ...common, id: 'a', method: 'kill', ttl_ms: 5_000 },
    { ...common, id: 'b', method: 't_uac_dlg', ttl_ms: 0 },
  ];
  raise('a');
  await edge.waitFor(() => edge.replies().length === 2);
  expect(edge.replies()).toMatchObject([
    { id: 'a', outcome: 'refused' },
    { id: 'b', outcome: 'expired' },
  ]);
  expect([...opensips.requestsFor('kill'), ...opensips.requestsFor('t_uac_dlg')]).toEqual([]);
});

it('has one knock under way, which the next link ends', async () => {
  const { edge, dialer, raise, address, opensips } = await startKnocking();
  dialer.hangsKnocks = true;
  raise('a');
  const request = await edge.waitFor(() => dialer.knockRequests[0]);
  raise('b');
  const count = opensips.requestsFor('uptime').length;
  await opensips.waitFor(() => opensips.requestsFor('uptime').length > count + 3);
  expect(dialer.knockRequests).toHaveLength(1);
  const isClosed = new Promise((resolve) => request.socket.on('close', resolve));
  edge.accept((await dialer.dial(undefined, address)).socket);
  await edge.waitFor(() => storedCallids(edge).length === 2);
  await isClosed;
  // The link ends, and what happens then is delivered by a knock again.
  dialer.hangsKnocks = false;
  edge.disconnect();
  raise('c');
  await edge.waitFor(() => storedCallids(edge).includes('c'));
  expect(edge.gapReasons()).toEqual([]);
});

it('delivers many messages with several knocks, none of them too long', async () => {
  const { edge, dialer, raise, opensips } = await startKnocking();
  dialer.knockStatus = 503;
  const sent = Array.from({ length: 900 }, (_, n) => `${n}-${'x'.repeat(500)}`);
  for (const callid of sent) raise(callid);
  // After two more health checks the adapter has received all of them.
  const count = opensips.requestsFor('uptime').length;
  await opensips.waitFor(() => opensips.requestsFor('uptime').length > count + 1);
  dialer.knockStatus = 200;
  await edge.waitFor(() => edge.stored.length === 900);
  expect(storedCallids(edge)).toEqual(sent);
  const lengths = dialer.knockRequests.map(({ headers }) => Number(headers['content-length']));
  expect(Math.max(...lengths)).toBeLessThan(MAX_KNOCK_LENGTH);
  expect(dialer.knocks.filter(({ messages }) => messages.length > 100).length).toBeGreaterThan(1);
});

it('loses and repeats nothing, whichever of links and knocks fail', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 5 }),
      fc.array(fc.constantFrom(200, 503), { maxLength: 5 }),
      async (dropSeqs, statuses) => {
        const { edge, dialer, raise, adapter } = await startKnocking();
        const drops = new Set(dropSeqs);
        edge.shouldDisconnect = ({ seq }) => drops.delete(seq);
        dialer.isKeeping = true;
        const sent = Array.from({ length: 30 }, (_, n) => `call-${n}`);
        for (const [n, callid] of sent.entries()) {
          dialer.knockStatus = statuses[n % 5] ?? 200;
          raise(callid);
          if (n % 7 === 0) edge.disconnect();
          await new Promise((resolve) => setImmediate(resolve));
        }
        await edge.waitFor(() => edge.stored.length === 30);
        expect(storedCallids(edge)).toEqual(sent);
        await adapter.stop();
      },
    ),
    { numRuns: 10 },
  );
});

it('delivers what is left when it stops', async () => {
  const { edge, dialer, raise, adapter } = await startKnocking({ knockIntervalMs: 1, stopTimeoutMs: 20_000 });
  dialer.knockStatus = 503;
  raise('a');
  await edge.waitFor(() => dialer.knocks[0]);
  dialer.knockStatus = 200;
  await adapter.stop();
  expect(storedCallids(edge)).toEqual(['a']);
});

it('stops although the edge does not answer', async () => {
  const { edge, dialer, raise, adapter } = await startKnocking({ stopTimeoutMs: 40 });
  dialer.hangsKnocks = true;
  raise('a');
  await edge.waitFor(() => dialer.knockRequests[0]);
  await adapter.stop();
});

describe('an edge that does not take a knock', () => {
  it.each([
    [401, /rejected the adapter key.*ADAPTER_KEY/, 50],
    [403, /ADAPTER_KEY/, 50],
    [404, /HTTP 404.*"not dialed".*link of the site.*--link dial/, 50],
    [409, /HTTP 409.*"not dialed"/, 40],
    [503, /HTTP 503/, 40],
  ])('with HTTP %i is asked again, and one line says what to do', async (status, message, level) => {
    const { edge, dialer, log, raise } = await startKnocking({
      refusedRetryDelayMs: 20,
      minReconnectDelayMs: 20,
    });
    dialer.knockStatus = status;
    dialer.knockBody = JSON.stringify({ detail: 'not dialed' });
    raise('a');
    const line = await log.waitFor(() => log.find('"retry_ms"'));
    const { msg, level: actualLevel } = JSON.parse(line) as { readonly msg: string; readonly level: number };
    expect(msg).toMatch(message);
    expect(actualLevel).toBe(level);
    dialer.knockStatus = 200;
    await edge.waitFor(() => storedCallids(edge).includes('a'));
  });

  it('with HTTP 429 says when to knock again', async () => {
    const { edge, dialer, log, raise } = await startKnocking();
    dialer.knockStatus = 429;
    dialer.knockHeaders = { 'Retry-After': '1' };
    raise('a');
    await edge.waitFor(() => dialer.knocks[0]);
    dialer.knockStatus = 200;
    await edge.waitFor(() => storedCallids(edge).includes('a'));
    expect(dialer.knocks).toHaveLength(2);
    expect(log.find('"retry_ms":1000')).toBeDefined();
  });

  it('because it does not know an event gets the other ones', async () => {
    const { edge, dialer, raise, opensips } = await startKnocking();
    opensips.events = ['E_CALL_BYE', ...opensips.events];
    edge.welcomeFields = { features: [] };
    dialer.knockStatus = 400;
    opensips.raiseEvent('E_CALL_BYE', { callid: 'gone', leg: 'caller' });
    raise('a');
    await edge.waitFor(() => dialer.knocks[0]);
    dialer.knockStatus = 200;
    await edge.waitFor(() => storedCallids(edge).includes('a'));
    expect(dialer.knocks.some(({ messages }) => messages.length === 0)).toBe(true);
  });

  it.each([
    ['is no edge', 'hello'],
    ['welcomes another stream', { type: 'welcome', version: 1, stream: 'other', applied: 0 }],
    ['stores what was never sent', { applied: 99 }],
  ])('because it %s is logged, and no message is lost', async (_, fields) => {
    const { edge, dialer, log, raise } = await startKnocking({ refusedRetryDelayMs: 20 });
    if (typeof fields === 'string') edge.welcomeFields = { type: fields };
    else edge.welcomeFields = fields;
    raise('a');
    await log.waitFor(() => log.find('"level":50'));
    edge.welcomeFields = {};
    const count = dialer.knocks.length;
    await edge.waitFor(() => dialer.knocks.length > count + 1 || dialer.knocks.at(-1)?.messages.length === 1);
    expect(storedCallids(edge)).toEqual(['a']);
  });
});
