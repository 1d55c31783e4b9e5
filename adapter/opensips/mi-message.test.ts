import { describe, expect, it } from 'vitest';
import { decodeResponse, encodeRequest } from './mi-message.ts';

describe('encoding a request', () => {
  it('uses a string id', () => {
    expect(JSON.parse(encodeRequest('p-1', 'call_hold', { callid: 'a' }))).toEqual({
      jsonrpc: '2.0',
      id: 'p-1',
      method: 'call_hold',
      params: { callid: 'a' },
    });
  });

  it('leaves out empty params', () => {
    expect(encodeRequest('p-1', 'version', {})).toBe('{"jsonrpc":"2.0","id":"p-1","method":"version"}');
  });
});

describe('decoding a response', () => {
  it.each([
    [
      'a result',
      '{"jsonrpc":"2.0","result":"OK","id":"1"}',
      { response: { result: 'OK' }, hasRequestId: true },
    ],
    [
      'a null result',
      '{"jsonrpc":"2.0","result":null,"id":"1"}',
      { response: { result: null }, hasRequestId: true },
    ],
    [
      'an error',
      '{"jsonrpc":"2.0","error":{"code":404,"message":"Dialog not found"},"id":"1"}',
      { response: { error: { code: 404, message: 'Dialog not found' } }, hasRequestId: true },
    ],
    [
      'an error with data',
      '{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":"Too few"},"id":"1"}',
      {
        response: { error: { code: -32602, message: 'Invalid params', data: 'Too few' } },
        hasRequestId: true,
      },
    ],
    [
      'an error without id',
      '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}',
      { response: { error: { code: -32700, message: 'Parse error' } }, hasRequestId: false },
    ],
    [
      'plain text',
      '400 Parse_error',
      { response: { error: { code: 400, message: 'Parse_error' } }, hasRequestId: false },
    ],
    [
      'plain text of several words with a line end',
      '500 Internal error\n',
      { response: { error: { code: 500, message: 'Internal error' } }, hasRequestId: false },
    ],
    ["another request's result", '{"jsonrpc":"2.0","result":"OK","id":"2"}', undefined],
    ["another request's error", '{"jsonrpc":"2.0","error":{"code":1,"message":""},"id":"2"}', undefined],
    ['the id as a number', '{"jsonrpc":"2.0","result":"OK","id":1}', undefined],
  ])('decodes %s', (_, text, decoded) => {
    expect(decodeResponse(text, '1')).toEqual(decoded);
  });

  it.each(['', 'what?', '[]', '"x"', '{"id":"1","error":"x"}'])(
    'decodes %j as an error of OpenSIPS',
    (text) => {
      expect(decodeResponse(text, '1')).toMatchObject({
        response: { error: { code: 500 } },
        hasRequestId: false,
      });
    },
  );
});
