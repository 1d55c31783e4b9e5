import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CALLID_LENGTH } from '../../shared/opensips/stored-text.ts';
import { decodeEvent } from './event-message.ts';

const datagram = (method: string, params: unknown) => JSON.stringify({ jsonrpc: '2.0', method, params });

describe('decoding an event', () => {
  it('accepts a recorded event, and removes the field that contains garbage', () => {
    const params = {
      callid: 'a',
      leg: 'garbage',
      transfer_callid: 'b',
      destination: 'sip:bob@127.0.0.1:41812',
      state: 'start',
      status: '',
    };
    const { leg, ...expected } = params;
    expect(decodeEvent(datagram('E_CALL_TRANSFER', params))).toEqual({
      event: { name: 'E_CALL_TRANSFER', params: expected },
    });
    expect(leg).toBe('garbage');
  });

  it('converts dialog states to numbers', () => {
    const params = { id: '1.2', callid: 'a', old_state: '1', new_state: 2 };
    expect(decodeEvent(datagram('E_DLG_STATE_CHANGED', params))).toMatchObject({
      event: { params: { old_state: 1, new_state: 2 } },
    });
  });

  it.each([
    ['text that is not JSON', 'E_CALL_HOLD', /not JSON/],
    ['JSON that is not a notification', '[]', /not a JSON-RPC/],
    ['an unknown event', datagram('E_UL_AOR_INSERT', {}), /^the event "E_UL_AOR_INSERT" is unknown/],
    [
      'an event without its params',
      datagram('E_CALL_HOLD', {}),
      /^the event E_CALL_HOLD has missing or invalid params: callid, leg, action, state$/,
    ],
  ])('reports %s as a problem', (_, text, problem) => {
    expect(decodeEvent(text)).toEqual({ problem: expect.stringMatching(problem) });
  });

  it.each([
    ['E_CALL_BYE', { leg: 'caller' }, 'callid'],
    ['E_CALL_TRANSFER', { callid: 'a', destination: '', state: 'ok', status: '' }, 'transfer_callid'],
  ])('accepts a long Call-ID in %s, and reports one that is too long', (name, params, field) => {
    const longest = 'c'.repeat(MAX_CALLID_LENGTH);
    expect(decodeEvent(datagram(name, { ...params, [field]: longest }))).toMatchObject({
      event: { params: { [field]: longest } },
    });
    expect(decodeEvent(datagram(name, { ...params, [field]: `${longest}c` }))).toEqual({
      problem: `the event ${name} has a Call-ID of 4097 characters in ${field}, and the limit is 4096`,
    });
  });

  it('accepts the events of the example script', () => {
    const params = { callid: 'a', osid: '', status: '404 Not Found' };
    expect(decodeEvent(datagram('E_CALL_REFUSED', params))).toEqual({
      event: { name: 'E_CALL_REFUSED', params },
    });
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void decodeEvent(text)));
  });
});
