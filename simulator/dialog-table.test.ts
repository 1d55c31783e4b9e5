import { expect, test } from 'vitest';
import { readTrace, TRACES } from './conformance/trace.ts';
import { hashEntry } from './dialog-table.ts';

test('every recorded dialog id begins with the hash of its Call-ID, written backwards', () => {
  const events = TRACES.flatMap((name) => readTrace(name).datagrams)
    .map(({ msg }) => Object(msg))
    .filter(({ method }) => method === 'E_DLG_STATE_CHANGED');
  expect(events.length).toBeGreaterThan(100);
  for (const { params } of events) {
    const backwards = [...hashEntry(params.callid).toString(16)].toReversed().join('');
    expect(params.id.split('.')[0]).toBe(backwards);
    expect(Number(params.db_id) >= hashEntry(params.callid) * 2 ** 32).toBe(true);
  }
});
