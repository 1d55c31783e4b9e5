import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdapterMessage, EdgeMessage, parseFrame } from './link.ts';

const event = {
  type: 'event',
  seq: 4,
  at: 1_795_428_800_123,
  name: 'E_DLG_STATE_CHANGED',
  params: { id: '3e4.27a3e5b4', callid: 'a', old_state: 1, new_state: 2 },
};
const adapterMessages: object[] = [
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
const edgeMessages: object[] = [
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
  it.each(adapterMessages)('from the adapter: %j', (message) => {
    expect(parseFrame(AdapterMessage, JSON.stringify(message))).toEqual({ messages: [message] });
  });

  it.each(edgeMessages)('from the edge: %j', (message) => {
    expect(parseFrame(EdgeMessage, JSON.stringify(message))).toEqual({ messages: [message] });
  });

  it('may be an array of messages, in order', () => {
    expect(parseFrame(AdapterMessage, JSON.stringify(adapterMessages))).toEqual({
      messages: adapterMessages,
    });
    expect(parseFrame(AdapterMessage, '[]')).toEqual({ messages: [] });
  });

  it('with one invalid message is rejected as a whole, so that no part of it is applied', () => {
    const frame = JSON.stringify([...adapterMessages, { type: 'reply', seq: -1, id: 'e.1.3' }]);
    expect(parseFrame(AdapterMessage, frame)).toEqual({
      error: 'seq: -1 is too small. Use a whole number of at least 0.',
    });
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
  ])('is rejected if it is not a message of the protocol: %s', (text) => {
    expect(parseFrame(AdapterMessage, text)).toEqual({
      error: expect.stringMatching(/^(The message|\w+:) .*\.$/),
    });
  });

  it('is rejected if it is not JSON', () => {
    expect(parseFrame(AdapterMessage, '{"type":')).toEqual({ error: 'The frame is not JSON.' });
  });

  it('may only have events to which the adapter subscribes, with their params', () => {
    const invalidEvents = [
      { ...event, name: 'E_CORE_LOG' },
      { ...event, params: { callid: 'a' } },
      { ...event, at: undefined },
    ];
    for (const message of invalidEvents)
      expect(parseFrame(AdapterMessage, JSON.stringify(message))).toHaveProperty('error');
  });

  it('may have the dialog states as text, as some releases of OpenSIPS write them', () => {
    const params = { ...event.params, old_state: '1', new_state: '2' };
    expect(parseFrame(AdapterMessage, JSON.stringify({ ...event, params }))).toEqual({ messages: [event] });
  });

  it('of one direction is rejected in the other', () => {
    expect(parseFrame(EdgeMessage, JSON.stringify(adapterMessages[1]))).toHaveProperty('error');
    expect(parseFrame(AdapterMessage, JSON.stringify(edgeMessages[1]))).toHaveProperty('error');
  });

  it('is parsed without throwing, whatever its text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const frame = parseFrame(AdapterMessage, text);
        expect('error' in frame || Array.isArray(frame.messages)).toBe(true);
      }),
    );
  });
});
