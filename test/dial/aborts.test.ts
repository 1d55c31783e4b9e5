/** Each object, process and connection ends in the middle of commands of a dialed site. The long run is `npm run test:faults -- --aborts 200`. */
import { expect, it } from 'vitest';
import { runAborts } from './aborts.ts';

const COMMANDS = 60;

// The long run has the others: what starts again in a second costs more time than it shows here.
it.each([
  'the Dialer',
  'the Switchboard',
  'the Tenant',
  'the TCP connection to the adapter',
  'the whole edge (kill -9)',
])('ends each command once although %s ends', { timeout: 180_000 }, async (what) => {
  const { violations, answered, ends } = await runAborts(what, COMMANDS);
  expect(violations).toEqual([]);
  expect(ends).toBeGreaterThan(0);
  // A command whose request had no answer may have failed, but most must have worked.
  expect(answered).toBeGreaterThan(COMMANDS / 2);
});
