import { expect, test } from 'vitest';
import { readTrace, TRACE_NAMES } from '../conformance/trace.ts';
import { hashCallId } from './dialog-table.ts';

test('every recorded dialog id begins with the hash of its Call-ID, digits reversed', () => {
  const events = TRACE_NAMES.flatMap((name) => readTrace(name).datagrams)
    .map(({ msg }) => Object(msg))
    .filter(({ method }) => method === 'E_DLG_STATE_CHANGED');
  expect(events.length).toBeGreaterThan(100);
  for (const { params } of events) {
    const reversed = [...hashCallId(params.callid).toString(16)].toReversed().join('');
    expect(params.id.split('.')[0]).toBe(reversed);
    expect(Number(params.db_id) >= hashCallId(params.callid) * 2 ** 32).toBe(true);
  }
});
