import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Dialog } from '../../shared/opensips/mi.ts';
import { DirectWatch } from './direct-watch.ts';
import type { WatchEvent } from './transport.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const dialog = (callid: string): Dialog => ({
  ID: callid,
  state: 4,
  timestart: 1_000,
  callid,
  from_uri: `sip:${callid}.from@host`,
  to_uri: `sip:${callid}.to@host`,
});

/** Returns what a watch reports at first, and when it has caught up with these pages of `dlg_list` and these dialogs. */
async function reportsOf(before: readonly string[], listed: readonly string[], standing: readonly string[]) {
  let pages = before;
  const reports: string[] = [];
  const watch = new DirectWatch(
    {
      list: async () => pages.map(dialog),
      find: async (callid) => (standing.includes(callid) ? dialog(callid) : undefined),
    },
    (event: WatchEvent) =>
      reports.push(
        event.type === 'calls'
          ? event.calls.map(({ callid }) => callid).join(' ')
          : `${event.event} ${event.type === 'call' ? event.call.callid : ''}`,
      ),
  );
  await watch.begin();
  pages = listed;
  // What was seen at the moment of the question may be newer than the answer.
  vi.setSystemTime(Date.now() + 1_000);
  await watch.catchUp();
  return reports;
}

it('takes no call for ended because a page of the list was without it', async () => {
  // Dialogs that end while the pages are read move others to a page that was read before.
  expect(await reportsOf(['a', 'b', 'c'], ['a'], ['a', 'b'])).toEqual(['a b c', 'Ended c']);
});

it('reports nothing twice', async () => {
  expect(await reportsOf(['a', 'b'], ['a', 'b'], ['a', 'b'])).toEqual(['a b']);
});
