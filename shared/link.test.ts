import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FromAdapter, FromEdge, parseFrame } from './link.ts';

const event = {
  type: 'event',
  seq: 4,
  at: 1_795_428_800_123,
  name: 'E_DLG_STATE_CHANGED',
  params: { id: '3e4.27a3e5b4', callid: 'a', old_state: 1, new_state: 2 },
};
const fromAdapter: object[] = [
  {
    type: 'hello',
    version: 1,
    adapter: 'a1',
    stream: 's1',
    base: 0,
    opensips: { version: '3.6.8', next_hop: 'sip:10.0.0.1', reachable: true },
  },
  { type: 'reply', seq: 1, id: 'e.1.0', result: 'OK' },
  { type: 'reply', seq: 2, id: 'e.1.1', error: { code: 404, message: 'Dialog not found' } },
  { type: 'reply', seq: 3, id: 'e.1.2', outcome: 'timeout' },
  event,
  { type: 'gap', seq: 5, reason: 'buffer overflow' },
  { type: 'status', opensips: { version: '', next_hop: 'sip:10.0.0.1', reachable: false } },
  { type: 'goodbye' },
];
const fromEdge: object[] = [
  { type: 'welcome', version: 1, stream: 's1', applied: 7 },
  {
    type: 'mi',
    id: 'e.1.0',
    method: 'dlg_list',
    params: { index: 0, counter: 12 },
    timeout_ms: 5000,
    ttl_ms: 5000,
  },
  { type: 'ack', seq: 7 },
];

describe('a frame', () => {
  it.each(fromAdapter)('from the adapter: %j', (message) => {
    expect(parseFrame(FromAdapter, JSON.stringify(message))).toEqual({ messages: [message] });
  });

  it.each(fromEdge)('from the edge: %j', (message) => {
    expect(parseFrame(FromEdge, JSON.stringify(message))).toEqual({ messages: [message] });
  });

  it('may be an array of messages, which stay in order', () => {
    expect(parseFrame(FromAdapter, JSON.stringify(fromAdapter))).toEqual({ messages: fromAdapter });
    expect(parseFrame(FromAdapter, '[]')).toEqual({ messages: [] });
  });

  it('with one bad message is refused whole: nothing of it may be applied', () => {
    const frame = JSON.stringify([...fromAdapter, { type: 'reply', seq: -1, id: 'e.1.3' }]);
    expect(parseFrame(FromAdapter, frame)).toEqual({ error: expect.stringContaining('not a message') });
  });

  it.each([
    'null',
    '1',
    '"hello"',
    '[[]]',
    '{}',
    '{"type":"constructor"}',
    '{"type":"reply","seq":1.5,"id":"x"}',
    '{"type":"reply","seq":1}',
    '{"type":"reply","seq":1,"id":"x","outcome":"maybe"}',
    '{"type":"gap","seq":1}',
  ])('is none of this protocol: %s', (text) => {
    expect(parseFrame(FromAdapter, text)).toEqual({ error: expect.stringContaining('not a message') });
  });

  it('that is not JSON says so', () => {
    expect(parseFrame(FromAdapter, '{"type":')).toEqual({ error: 'the frame is not JSON' });
  });

  it('an event must be one of those that the edge subscribes to, with its params', () => {
    const bad = [
      { ...event, name: 'E_CORE_LOG' },
      { ...event, params: { callid: 'a' } },
      { ...event, at: undefined },
    ];
    for (const message of bad)
      expect(parseFrame(FromAdapter, JSON.stringify(message))).toHaveProperty('error');
  });

  it('an event’s states may come as text, as some releases of OpenSIPS write them', () => {
    const params = { ...event.params, old_state: '1', new_state: '2' };
    expect(parseFrame(FromAdapter, JSON.stringify({ ...event, params }))).toEqual({ messages: [event] });
  });

  it('one end does not take the other’s messages', () => {
    expect(parseFrame(FromEdge, JSON.stringify(fromAdapter[1]))).toHaveProperty('error');
    expect(parseFrame(FromAdapter, JSON.stringify(fromEdge[1]))).toHaveProperty('error');
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const frame = parseFrame(FromAdapter, text);
        expect('error' in frame || Array.isArray(frame.messages)).toBe(true);
      }),
    );
  });
});
