/** An adapter that is one of several at its site. */
import { expect, it } from 'vitest';
import { createHarness, ringingDialog, storedCallids } from '../testing/harness.ts';

const STANDBY = { features: ['release'], role: 'standby' };
const ACTIVE = { features: ['release'], role: 'active' };

it('logs its role, and goes on reporting events as standby', async () => {
  const { edge, opensips, log, start } = await createHarness();
  edge.welcomeFields = STANDBY;
  start();
  await log.waitFor(() => log.find('Connected to the edge as standby'));
  opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('a'));
  await edge.waitFor(() => storedCallids(edge).includes('a'));
  edge.send({ type: 'role', role: 'active' });
  await log.waitFor(() => log.find('This adapter serves the site from now on'));
  edge.send({ type: 'role', role: 'standby' });
  await log.waitFor(() => log.find('Another adapter serves the site from now on'));
});

it('has a standby take over before it stops, and still answers what it was requested', async () => {
  const { edge, opensips, log, start } = await createHarness();
  edge.welcomeFields = ACTIVE;
  const adapter = start();
  await log.waitFor(() => log.find('Connected to the edge'));
  edge.sendRequest({ id: 'slow', method: 't_uac_dlg' });
  const slow = await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0]);
  const stopped = adapter.stop();
  await edge.waitFor(() => edge.received.some(({ type }) => type === 'release'));
  edge.sendRequest({ id: 'crossing', method: 'dlg_end_dlg' });
  edge.send({ type: 'role', role: 'standby' });
  const crossing = await opensips.waitFor(() => opensips.requestsFor('dlg_end_dlg')[0]);
  crossing.respond('OK');
  await edge.waitFor(() => edge.replies().length === 1);
  slow.respond({ Status: '200 OK' });
  await stopped;
  expect(edge.replies()).toMatchObject([
    { id: 'crossing', result: 'OK' },
    { id: 'slow', result: { Status: '200 OK' } },
  ]);
  expect(edge.received.at(-1)).toEqual({ type: 'goodbye' });
});

it('does not wait for its requests if no standby takes over', async () => {
  const { edge, opensips, log, start } = await createHarness();
  edge.welcomeFields = ACTIVE;
  const adapter = start();
  await log.waitFor(() => log.find('Connected to the edge'));
  edge.sendRequest({ id: 'slow', method: 't_uac_dlg' });
  await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0]);
  const stopped = adapter.stop();
  await edge.waitFor(() => edge.received.some(({ type }) => type === 'release'));
  edge.send({ type: 'role', role: 'active' });
  await stopped;
  expect(edge.replies()).toMatchObject([{ id: 'slow', outcome: 'timeout' }]);
});

it.each([
  ['a standby', STANDBY],
  ['the adapter of an edge that does not take `release`', {}],
])('sends no `release` as %s', async (_, welcome) => {
  const { edge, log, start } = await createHarness();
  edge.welcomeFields = welcome;
  const adapter = start();
  await log.waitFor(() => log.find('Connected to the edge'));
  await adapter.stop();
  expect(edge.received.map(({ type }) => type)).toEqual(['hello', 'goodbye']);
});

it('stops in time although the edge does not answer', async () => {
  const { edge, log, start } = await createHarness();
  edge.welcomeFields = ACTIVE;
  const adapter = start({}, { timing: { stopTimeoutMs: 200 } });
  await log.waitFor(() => log.find('Connected to the edge'));
  await adapter.stop();
  expect(edge.received.map(({ type }) => type)).toEqual(['hello', 'release', 'goodbye']);
});
