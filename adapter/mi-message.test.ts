import { describe, expect, it } from 'vitest';
import { decodeAnswer, encodeRequest } from './mi-message.ts';

describe('an MI request', () => {
  it('has a string id', () => {
    expect(JSON.parse(encodeRequest('p-1', 'call_hold', { callid: 'a' }))).toEqual({
      jsonrpc: '2.0',
      id: 'p-1',
      method: 'call_hold',
      params: { callid: 'a' },
    });
  });

  it('has no params where there are none', () => {
    expect(encodeRequest('p-1', 'version', {})).toBe('{"jsonrpc":"2.0","id":"p-1","method":"version"}');
  });
});

describe('an MI answer', () => {
  it.each([
    ['a result', '{"jsonrpc":"2.0","result":"OK","id":"1"}', { answer: { result: 'OK' }, ours: true }],
    ['a null result', '{"jsonrpc":"2.0","result":null,"id":"1"}', { answer: { result: null }, ours: true }],
    [
      'an error',
      '{"jsonrpc":"2.0","error":{"code":404,"message":"Dialog not found"},"id":"1"}',
      { answer: { error: { code: 404, message: 'Dialog not found' } }, ours: true },
    ],
    [
      'an error with data',
      '{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":"Too few"},"id":"1"}',
      { answer: { error: { code: -32602, message: 'Invalid params', data: 'Too few' } }, ours: true },
    ],
    [
      'an error without id',
      '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}',
      { answer: { error: { code: -32700, message: 'Parse error' } }, ours: false },
    ],
    [
      'plain text',
      '400 Parse_error',
      { answer: { error: { code: 400, message: 'Parse_error' } }, ours: false },
    ],
    [
      'plain text of more words and a line end',
      '500 Internal error\n',
      { answer: { error: { code: 500, message: 'Internal error' } }, ours: false },
    ],
    ["another request's result", '{"jsonrpc":"2.0","result":"OK","id":"2"}', undefined],
    ["another request's error", '{"jsonrpc":"2.0","error":{"code":1,"message":""},"id":"2"}', undefined],
    ['the id as a number', '{"jsonrpc":"2.0","result":"OK","id":1}', undefined],
  ])('%s', (_, text, decoded) => {
    expect(decodeAnswer(text, '1')).toEqual(decoded);
  });

  it.each(['', 'what?', '[]', '"x"', '{"id":"1","error":"x"}'])('%j is an error of OpenSIPS', (text) => {
    expect(decodeAnswer(text, '1')).toMatchObject({ answer: { error: { code: 500 } }, ours: false });
  });
});
