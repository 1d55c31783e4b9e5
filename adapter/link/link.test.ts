import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeEdge } from '../testing/fake-edge.ts';
import { createHarness, LINK_MODES, ringingDialog, storedCallids } from '../testing/harness.ts';

describe.each(LINK_MODES)('reconnecting (%s)', (mode) => {
  it('replays what was not stored, in order, without loss or duplicates, wherever the connection drops', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }),
        fc.boolean(),
        async (dropSeqs, sendsAcks) => {
          const { edge, opensips, start } = await createHarness(mode);
          const adapter = start();
          await edge.waitFor(() => edge.hellos[0]);
          edge.sendsAcks = sendsAcks;
          const remainingDrops = new Set(dropSeqs);
          // The connection drops before the message is stored, so it must be replayed.
          edge.shouldDisconnect = ({ seq }) => remainingDrops.delete(seq);
          const sent = Array.from({ length: 40 }, (_, n) => `call-${n}`);
          for (const callid of sent) opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog(callid));
          await edge.waitFor(() => edge.stored.length === 40);
          expect(storedCallids(edge)).toEqual(sent);
          expect(new Set(edge.hellos.map(({ stream }) => stream)).size).toBe(1);
          expect(edge.hellos).toHaveLength(1 + new Set(dropSeqs).size);
          await adapter.stop();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('replays from the first unacknowledged message, in one frame', async () => {
    const { edge, opensips, start } = await createHarness(mode);
    start();
    await edge.waitFor(() => edge.hellos[0]);
    edge.sendsAcks = false;
    for (const callid of ['a', 'b', 'c']) opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog(callid));
    await edge.waitFor(() => edge.stored.length === 3);
    edge.acknowledge();
    edge.sendRequest({ id: 'replied after the events', method: 't_uac_dlg' });
    const running = await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0]);
    edge.sendsWelcome = false;
    edge.disconnect();
    const hello = await edge.waitFor(() => edge.hellos[1]);
    expect(hello.base).toBe(4);
    edge.disconnect();
    await edge.waitFor(() => edge.hellos[2]);
    for (const callid of ['d', 'e', 'f']) opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog(callid));
    running.respond('OK');
    edge.frames.length = 0;
    edge.sendsWelcome = true;
    edge.disconnect();
    await edge.waitFor(() => edge.stored.length === 7);
    expect(edge.frames).toHaveLength(2);
  });

  it('runs a request once although the edge repeats it', async () => {
    const { edge, opensips, start } = await createHarness(mode);
    start();
    await edge.waitFor(() => edge.hellos[0]);
    edge.sendRequest({ id: 'x', method: 't_uac_dlg' });
    const running = await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0]);
    edge.disconnect();
    await edge.waitFor(() => edge.hellos[1]);
    edge.sendRequest({ id: 'x', method: 't_uac_dlg' });
    running.respond('OK');
    await edge.waitFor(() => edge.replies().length === 1);
    // The reply to another request proves that the repeated one would have run by now.
    edge.sendRequest({ id: 'y', method: 'kill' });
    await edge.waitFor(() => edge.replies().length === 2);
    expect(opensips.requestsFor('t_uac_dlg')).toHaveLength(1);
    expect(edge.replies()).toMatchObject([
      { id: 'x', result: 'OK' },
      { id: 'y', outcome: 'refused' },
    ]);
  });

  it('reports how many events it dropped while the edge acknowledged nothing', async () => {
    const { edge, opensips, start } = await createHarness(mode);
    start({ buffer: 4 });
    await edge.waitFor(() => edge.hellos[0]);
    edge.sendsAcks = false;
    for (let n = 0; n < 9; n += 1) opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog(`call-${n}`));
    await edge.waitFor(() => edge.stored.length === 4);
    // After two more health checks the adapter has received all nine events.
    const checkCount = opensips.requestsFor('uptime').length;
    await opensips.waitFor(() => opensips.requestsFor('uptime').length > checkCount + 1);
    edge.sendRequest({ id: 'kept', method: 'kill' });
    await edge.waitFor(() => edge.replies()[0]);
    edge.sendsAcks = true;
    edge.acknowledge();
    await edge.waitFor(() => edge.gapReasons().length > 0);
    expect(storedCallids(edge)).toEqual(['call-0', 'call-1', 'call-2', 'call-3']);
    expect(edge.gapReasons()).toEqual(["the adapter's buffer was full: 5 messages were dropped"]);
  });

  it('uses a new stream after each start', async () => {
    const { edge, start } = await createHarness(mode);
    const firstAdapter = start();
    await edge.waitFor(() => edge.hellos[0]);
    await firstAdapter.stop();
    start();
    const secondHello = await edge.waitFor(() => edge.hellos[1]);
    expect(secondHello.stream).not.toBe(edge.hellos[0]?.stream);
  });

  it('reconnects if the edge sends no pongs', async () => {
    const { edge, start } = await createHarness(mode);
    edge.sendsPongs = false;
    start({}, { timing: { pingIntervalMs: 10, deadAfterMs: 30 } });
    await edge.waitFor(() => edge.hellos[1]);
    expect(edge.pingCount).toBeGreaterThan(0);
  });

  it('reconnects after the Close frame of an edge that does not end TCP', async () => {
    const { edge, start } = await createHarness(mode);
    start();
    await edge.waitFor(() => edge.hellos[0]);
    edge.closeWithoutEnd(1001);
    await edge.waitFor(() => edge.hellos[1]);
    // Less than the adapter waits for a connection that is dead.
  }, 15_000);

  it('keeps a connection that carries nothing but pings and pongs', async () => {
    const { edge, start } = await createHarness(mode);
    start({}, { timing: { pingIntervalMs: 5, deadAfterMs: 500 } });
    await edge.waitFor(() => edge.pingCount > 20);
    expect(edge.hellos).toHaveLength(1);
  });

  it('reconnects if the edge sends no welcome message', async () => {
    const { edge, log, start } = await createHarness(mode);
    edge.sendsWelcome = false;
    start({}, { timing: { handshakeTimeoutMs: 30 } });
    await edge.waitFor(() => edge.hellos[1]);
    expect(log.find('has not sent a welcome message')).toBeDefined();
  });
});

it('delivers what happened while the edge was unreachable', async () => {
  const { edge, opensips, log, start } = await createHarness();
  const port = Number(new URL(edge.url).port);
  start();
  await edge.waitFor(() => edge.hellos[0]);
  await edge.stop();
  opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('meanwhile'));
  await log.waitFor(() => log.find('connection refused'));
  const restartedEdge = await FakeEdge.start(port);
  onTestFinished(() => restartedEdge.stop());
  await restartedEdge.waitFor(() => restartedEdge.stored.length === 1);
  expect(storedCallids(restartedEdge)).toEqual(['meanwhile']);
});
it.each(LINK_MODES)(
  'runs no request that came before `welcome`, and closes the connection (%s)',
  async (mode) => {
    const { edge, opensips, start } = await createHarness(mode);
    edge.sendsWelcome = false;
    start({}, { timing: { refusedRetryDelayMs: 7 } });
    await edge.waitFor(() => edge.hellos[0]);
    edge.sendRequest({ id: 'early', method: 't_uac_dlg' });
    await edge.waitFor(() => edge.closeCodes.includes(4400));
    edge.sendsWelcome = true;
    await edge.waitFor(() => edge.hellos[1]);
    edge.sendRequest({ id: 'after', method: 'kill' });
    await edge.waitFor(() => edge.replies()[0]);
    expect(opensips.requestsFor('t_uac_dlg')).toEqual([]);
  },
);

it.each(LINK_MODES)(
  "reconnects once the edge's clock was set back, because all requests would count as late (%s)",
  async (mode) => {
    const { edge, log, start } = await createHarness(mode);
    start({}, { timing: { refusedRetryDelayMs: 7 } });
    await edge.waitFor(() => edge.hellos[0]);
    let count = 0;
    const send = (sentAt: number) => edge.sendRequest({ id: `${++count}`, method: 'kill', sent_at: sentAt });
    send(Date.now());
    // Messages that are late together do not tell that a clock was set, so they are sent one after the other.
    const sending = setInterval(() => send(Date.now() - 3_600_000), 50);
    onTestFinished(() => clearInterval(sending));
    await edge.waitFor(() => edge.hellos[1]);
    expect(log.find('the clock of the edge seems to have been set')).toBeDefined();
  },
);

describe('an edge that refuses the adapter', () => {
  it.each([200, 401, 403, 404])('with HTTP %i is retried after the long delay', async (status) => {
    const { edge, log, start } = await createHarness();
    edge.refuseWithStatus = status;
    start({}, { timing: { refusedRetryDelayMs: 7 } });
    await edge.waitFor(() => edge.upgradeRequests.length === 2);
    expect(log.find('"retry_ms":7')).toMatch(/(ADAPTER_KEY|EDGE_URL)/);
    edge.refuseWithStatus = undefined;
    await edge.waitFor(() => edge.hellos[0]);
  });

  it.each([4406, 4408, 4409])('with close code %i is retried after the long delay', async (code) => {
    const { edge, log, start } = await createHarness();
    edge.closeWithCode = code;
    start({}, { timing: { refusedRetryDelayMs: 7 } });
    await edge.waitFor(() => edge.hellos[1]);
    expect(log.find('"retry_ms":7')).toBeDefined();
  });
});

it('retries an edge whose hostname is unknown, and logs its URL without secrets', async () => {
  const { log, start } = await createHarness();
  start({ edge: 'ws://edge.invalid/adapter?access_token=hidden' });
  await log.waitFor(
    () => log.lines.filter((line) => line.includes('the host name does not exist')).length > 1,
  );
  expect(log.lines.join()).not.toContain('hidden');
});

describe.each(LINK_MODES)('an invalid message (%s)', (mode) => {
  it.each<[string, object]>([
    ['an unknown message', { type: 'dance' }],
    ['a message whose description is longer than a close frame', { type: '呼'.repeat(100) }],
    ['a welcome for another stream', { type: 'welcome', version: 1, stream: 'other', applied: 0 }],
    ['an ack for a message that was never sent', { type: 'ack', seq: 99 }],
  ])('closes the connection with 4400 after %s, and reconnects', async (_, message) => {
    const { edge, start } = await createHarness(mode);
    start({}, { timing: { refusedRetryDelayMs: 7 } });
    await edge.waitFor(() => edge.hellos[0]);
    edge.send(message);
    await edge.waitFor(() => edge.closeCodes.includes(4400));
    await edge.waitFor(() => edge.hellos[1]);
  });
});
