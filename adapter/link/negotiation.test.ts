/** The adapter works with edges of other releases, or says which side must be updated. */
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { EVENT_NAMES, SCRIPT_EVENT_NAMES } from '../../shared/opensips/evi.ts';
import { createHarness, LINK_MODES, ringingDialog, storedCallids } from '../testing/harness.ts';

const BYE = { callid: 'gone', leg: 'caller' };

describe.each(LINK_MODES)('an edge of another release (%s)', (mode) => {
  it('connects to an edge of 0.2.0, whose welcome has no range, features and versions', async () => {
    const { edge, opensips, start } = await createHarness(mode);
    opensips.events = [...EVENT_NAMES, ...SCRIPT_EVENT_NAMES];
    start();
    const hello = await edge.waitFor(() => edge.hellos[0]);
    expect(hello).toMatchObject({
      // Such an edge accepts this version only.
      version: 1,
      versions: { min: 1, max: 1 },
      features: ['role', 'list', 'interest'],
      software: { version: manifest.version, node: process.versions.node },
    });
    opensips.raiseEvent('E_CALL_BYE', BYE);
    await edge.waitFor(() => edge.stored.length === 1);
    expect(edge.stored).toMatchObject([{ name: 'E_CALL_BYE', params: BYE }]);
  });

  it('ignores features that it does not know, and other fields', async () => {
    const { edge, opensips, start } = await createHarness(mode);
    edge.welcomeFields = { versions: { min: 1, max: 9 }, features: ['telepathy'], color: 'red' };
    start();
    await edge.waitFor(() => edge.hellos[0]);
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('a'));
    await edge.waitFor(() => storedCallids(edge).includes('a'));
  });

  it('does not send an edge the events that it does not know', async () => {
    const { edge, opensips, log, start } = await createHarness(mode);
    opensips.events = [...EVENT_NAMES, ...SCRIPT_EVENT_NAMES];
    edge.welcomeFields = { features: [] };
    start();
    await log.waitFor(() => log.find('Connected to the edge'));
    opensips.raiseEvent('E_CALL_BYE', BYE);
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('a'));
    await edge.waitFor(() => storedCallids(edge).includes('a'));
    expect(edge.stored).toMatchObject([{ seq: 1, name: 'E_DLG_STATE_CHANGED' }]);
  });

  it('replaces events that wait when an older edge takes over, so that it does not reject them again and again', async () => {
    const { edge, opensips, start } = await createHarness(mode);
    opensips.events = [...EVENT_NAMES, ...SCRIPT_EVENT_NAMES];
    start();
    await edge.waitFor(() => edge.hellos[0]);
    edge.shouldDisconnect = (message) => message.type === 'event';
    edge.welcomeFields = { features: [] };
    opensips.raiseEvent('E_CALL_BYE', BYE);
    await edge.waitFor(() => edge.hellos[1]);
    edge.shouldDisconnect = () => false;
    await edge.waitFor(() => edge.stored.length > 0);
    expect(edge.stored).toMatchObject([
      { type: 'gap', seq: 1, reason: expect.stringContaining('E_CALL_BYE') },
    ]);
  });

  it.each([
    [2, { min: 2, max: 3 }, 'Link version: adapter 1, edge 2. Update the adapter to 9.9.9.'],
    [0, { min: 0, max: 0 }, `Link version: adapter 1, edge 0. Update the edge to ${manifest.version}.`],
  ])(
    'closes with 4406 after a welcome with version %i, and says what to update',
    async (version, versions, advice) => {
      const { edge, log, start } = await createHarness(mode);
      edge.welcomeFields = { version, versions, software: { version: '9.9.9' } };
      start({}, { timing: { refusedRetryDelayMs: 7 } });
      await edge.waitFor(() => edge.closeCodes.includes(4406));
      await log.waitFor(() => log.find(advice));
    },
  );

  it('logs the advice of an edge that closes with 4406', async () => {
    const { edge, log, start } = await createHarness(mode);
    edge.closeWithCode = 4406;
    edge.closeReason = 'Link version: adapter 1, edge 2. Update the adapter to 0.4.0.';
    start({}, { timing: { refusedRetryDelayMs: 7 } });
    await log.waitFor(() =>
      log.find('in common. Link version: adapter 1, edge 2. Update the adapter to 0.4.0.'),
    );
  });
});
