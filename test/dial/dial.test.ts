/** A site whose adapter is dialed, through real sockets: when the edge dials, and when it ends the link. */
import { expect, it } from 'vitest';
import { eventNames, phoneUri } from '../harness/client.ts';
import type { DialListener } from '../harness/dial-listener.ts';
import { waitUntil } from '../harness/stack.ts';
import { DialStack } from './harness.ts';

const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };

it('dials for a command, which waits for the adapter, and ends the link when nobody needs it', async () => {
  await using dialed = await DialStack.start({ idle_s: 10 });
  const { listener } = dialed;
  await dialed.startAdapter();
  const client = await dialed.connectClient();
  expect(listener.attempts).toHaveLength(0);
  expect(await dialed.link()).toMatchObject({ connected: false, dial: { state: 'idle' } });
  expect(eventNames(await client.runToEnd('Echo', {}))).toEqual(['Reply', 'Ended']);
  expect(listener.attempts).toHaveLength(0);

  const start = await client.start('CallStart', parties);
  expect(eventNames(await start.ended)).toContain('CalleeAnswered');
  expect(listener.attempts).toHaveLength(1);
  expect(listener.attempts[0]?.claims).toMatchObject({ tenant: 't1', site: 's1', iss: 'call-api' });
  expect(await dialed.link()).toMatchObject({ connected: true, dial: { state: 'open' } });
  // The call is active, so the link stays. Then it ends, and so does the link.
  await client.runToEnd('CallEnd', { callid: start.cmdId });
  await waitUntil(() => listener.ends.length > 0);
  expect(listener.ends).toEqual([{ code: 1000, reason: 'Nobody needs the link.' }]);
  expect(await dialed.link()).toEqual({
    connected: false,
    dial: { host: `127.0.0.1:${listener.port}`, state: 'idle' },
  });
  // The Dialer has nothing to wake up for.
  client.close();
  await expect.poll(() => dialed.alarms()).toEqual([null]);
});

it('dials while somebody watches, and again when the link is lost', async () => {
  await using dialed = await DialStack.start();
  const { listener } = dialed;
  await dialed.startAdapter();
  const client = await dialed.connectClient();
  await client.request('CallWatch', {});
  await waitUntil(async () => (await dialed.link()).connected);
  const callid = await dialed.site.simulator.dial({ from: 'alice', to: 'bob' });
  await waitUntil(() => client.frames.some((frame) => frame.includes(callid)));
  await breakAndWait(listener);
  await waitUntil(async () => (await dialed.link()).connected);
});

it('keeps a link, also through a crash of the edge, until the setting says otherwise', async () => {
  await using dialed = await DialStack.start({ keep: true });
  const { listener, stack } = dialed;
  await dialed.startAdapter();
  await waitUntil(() => listener.isLinked);
  await waitUntil(async () => (await dialed.link()).connected);
  await breakAndWait(listener);
  // Nobody asks for anything: the Dialer alone knows that it must dial.
  const { length } = listener.attempts;
  await stack.restartEdge();
  await waitUntil(() => listener.attempts.length > length && listener.isLinked);
  await dialed.setLink({ mode: 'accept' });
  await expect
    .poll(() => listener.ends.at(-1))
    .toEqual({ code: 1000, reason: 'The edge does not dial this adapter any more.' });
  expect(await dialed.link()).toEqual({ connected: false });
  await expect.poll(() => dialed.alarms()).toEqual([null]);
  // The site itself has had no alarm for all that.
  expect(dialed.alarms('switchboard')).toEqual([null]);
});

it('moves to the new place when the setting changes', async () => {
  await using dialed = await DialStack.start({ keep: true });
  const { listener } = dialed;
  await waitUntil(() => listener.isLinked);
  await dialed.setLink({ mode: 'dial', url: `${listener.url}/other`, keep: true });
  await waitUntil(() => listener.paths.at(-1) === '/link/other' && listener.isLinked);
});

it('moves to another Dialer without a gap, as a site that becomes busy among others does', async () => {
  await using dialed = await DialStack.start({ keep: true }, 'worker/testing/abortable-worker.ts');
  const { listener, stack } = dialed;
  await dialed.startAdapter();
  await waitUntil(async () => (await dialed.link()).connected);
  const { length } = listener.ends;
  await stack.fetch('/test/move?name=t1/s1', undefined, { method: 'POST' });
  await waitUntil(() => listener.ends.length > length);
  await waitUntil(async () => (await dialed.link()).connected && listener.isLinked);
  // Only the second one keeps the link now.
  await expect.poll(() => dialed.alarms().filter((alarm) => alarm !== null).length).toBe(1);
  expect(dialed.alarms()).toHaveLength(2);
  const client = await dialed.connectClient();
  expect(eventNames(await client.runToEnd('CallStart', parties))).toContain('CalleeAnswered');
});

/** Ends TCP to the edge, and waits until it has dialed again. */
async function breakAndWait(listener: DialListener): Promise<void> {
  const { length } = listener.attempts;
  listener.breakLink();
  await waitUntil(() => listener.attempts.length > length && listener.isLinked);
}
