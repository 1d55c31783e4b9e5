/** A site whose adapter is dialed, through real sockets: when the edge dials, and when it ends the link. */
import { expect, it } from 'vitest';
import { eventNames, phoneUri } from '../harness/client.ts';
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
});
