import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  errorResponse,
  MAX_BATCH,
  MAX_DEPTH,
  notification,
  parseMessage,
  successResponse,
} from './jsonrpc.ts';

/** Parses a message. Returns the method and id of each request, or the code and id of its error response. */
function parse(text: string): (readonly [string | number, unknown])[] {
  return parseMessage(text).entries.map((entry) => {
    if (!('errorResponse' in entry)) return [entry.method, entry.id];
    const { id, ...response } = entry.errorResponse;
    return ['error' in response ? response.error.code : 'no error', id];
  });
}

describe('the examples of the JSON-RPC 2.0 specification (§7)', () => {
  it.each<[string, string, ReturnType<typeof parse>]>([
    [
      'positional params',
      '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
      [['subtract', 1]],
    ],
    [
      'named params',
      '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
      [['subtract', 3]],
    ],
    [
      'a notification',
      '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}',
      [['update', undefined]],
    ],
    ['a notification without params', '{"jsonrpc": "2.0", "method": "foobar"}', [['foobar', undefined]]],
    ['invalid JSON', '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', [[-32700, null]]],
    ['an invalid request', '{"jsonrpc": "2.0", "method": 1, "params": "bar"}', [[-32600, null]]],
    [
      'a batch of invalid JSON',
      '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"',
      [[-32700, null]],
    ],
    ['an empty batch', '[]', [[-32600, null]]],
    ['an invalid batch that is not empty', '[1]', [[-32600, null]]],
    [
      'an invalid batch',
      '[1,2,3]',
      [
        [-32600, null],
        [-32600, null],
        [-32600, null],
      ],
    ],
    [
      'a batch of all kinds',
      `[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]`,
      [
        ['sum', '1'],
        ['notify_hello', undefined],
        ['subtract', '2'],
        [-32600, null],
        ['foo.get', '5'],
        ['get_data', '9'],
      ],
    ],
  ])('%s', (_, text, entries) => {
    expect(parse(text)).toEqual(entries);
  });

  it.each([
    ['[]', false],
    ['[1', false],
    ['{"jsonrpc": "2.0", "method": "foobar"}', false],
    ['[1]', true],
    ['[{"jsonrpc": "2.0", "method": "foobar"}]', true],
  ])('the response to %s is a batch: %s', (text, isBatch) => {
    expect(parseMessage(text).isBatch).toBe(isBatch);
  });
});

describe('an id', () => {
  it.each([['"a"'], ['""'], ['0'], ['-1'], ['1.5'], ['null']])('may be %s', (id) => {
    expect(parse(`{"jsonrpc":"2.0","method":"m","id":${id}}`)).toEqual([['m', JSON.parse(id)]]);
  });

  it.each([['true'], ['{}'], ['[1]']])('may not be %s, and is null in the response', (id) => {
    expect(parse(`{"jsonrpc":"2.0","method":"m","id":${id}}`)).toEqual([[-32600, null]]);
  });

  it('is kept in the response to a request that is otherwise invalid', () => {
    expect(parse('{"jsonrpc":"1.0","method":"m","id":7}')).toEqual([[-32600, 7]]);
    expect(parse('{"jsonrpc":"2.0","method":"m","params":"text","id":"x"}')).toEqual([[-32600, 'x']]);
  });
});

describe('an invalid message', () => {
  it.each(['""', 'null', 'true', '0', '"text"', '{}', '[[]]', '[null]', '{"method":"m","id":null}'])(
    '%s is an invalid request',
    (text) => {
      expect(parse(text)).toEqual([[-32600, null]]);
    },
  );

  it.each(['', ' ', '{', 'undefined', "{'a':1}", '\u0000'])('%j is not JSON', (text) => {
    expect(parse(text)).toEqual([[-32700, null]]);
  });

  it('gets a response that names the invalid member', () => {
    const [entry] = parseMessage('{"jsonrpc":"2.0","method":1,"id":1}').entries;
    expect(entry).toMatchObject({
      errorResponse: {
        jsonrpc: '2.0',
        id: 1,
        error: { message: 'Invalid Request', data: expect.stringMatching(/^method: /) },
      },
    });
  });

  it('may not inherit its members', () => {
    expect(parse('{"__proto__":{"jsonrpc":"2.0","method":"m","id":1}}')).toEqual([[-32600, null]]);
  });
});

describe('a batch', () => {
  const batchOf = (size: number) =>
    JSON.stringify(Array.from({ length: size }, (_, id) => ({ jsonrpc: '2.0', method: 'm', id })));

  it(`may have ${MAX_BATCH} requests`, () => {
    expect(parseMessage(batchOf(MAX_BATCH)).entries).toHaveLength(MAX_BATCH);
  });

  it('with more is rejected as a whole', () => {
    expect(parse(batchOf(MAX_BATCH + 1))).toEqual([[-32600, null]]);
  });
});

it('parsing never throws, whatever the message', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      expect(parseMessage(text).entries.length).toBeGreaterThan(0);
    }),
  );
});

it('parsing leaves every well-formed request unchanged, alone and in a batch', () => {
  const id = fc.option(fc.oneof(fc.string(), fc.integer(), fc.constant(null)), { nil: undefined });
  const params = fc.option(
    fc.oneof(fc.dictionary(fc.stringMatching(/^[a-z]+$/), fc.json()), fc.array(fc.json())),
    {
      nil: undefined,
    },
  );
  const request = fc.record({ jsonrpc: fc.constant('2.0'), id, method: fc.string(), params });
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 5 }), (requests) => {
      const sent: unknown[] = JSON.parse(JSON.stringify(requests));
      expect(parseMessage(JSON.stringify(sent))).toEqual({ isBatch: true, entries: sent });
      expect(parseMessage(JSON.stringify(sent[0]))).toEqual({ isBatch: false, entries: [sent[0]] });
    }),
  );
});

it('a request that is too deeply nested to be serialized again is invalid', () => {
  const nested = (levels: number) =>
    `{"jsonrpc":"2.0","id":1,"method":"Echo","params":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  expect(parse(nested(MAX_DEPTH - 1))).toEqual([['Echo', 1]]);
  for (const levels of [MAX_DEPTH, MAX_DEPTH + 1, 30_000])
    expect(parse(nested(levels))).toEqual([[-32600, 1]]);
});

it('responses and notifications are JSON-RPC 2.0', () => {
  expect(successResponse('x', { event: 'Started' })).toEqual({
    jsonrpc: '2.0',
    id: 'x',
    result: { event: 'Started' },
  });
  expect(errorResponse(null, { code: -32700, message: 'Parse error' })).toEqual({
    jsonrpc: '2.0',
    id: null,
    error: { code: -32700, message: 'Parse error' },
  });
  expect(notification('CallStart', { seq: 1 })).toEqual({
    jsonrpc: '2.0',
    method: 'CallStart',
    params: { seq: 1 },
  });
});
