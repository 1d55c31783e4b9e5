/** The server answers every message of a client, and keeps its socket open. */
import { expect, it } from 'vitest';
import { ScriptedAdapter } from '../../testing/adapter.ts';
import { Client } from '../../testing/client.ts';
import { scenarios } from '../../testing/scenarios.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const request = (method: unknown, params?: unknown, id: unknown = 1) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

const INVALID_FRAMES: [name: string, frame: string | ArrayBuffer, id: unknown, code: number, data: RegExp][] =
  [
    ['not JSON', '{', null, -32700, /not JSON/],
    ['an empty message', '', null, -32700, /not JSON/],
    ['a string', '"hello"', null, -32600, /^The request is not an object\./],
    ['an empty batch', '[]', null, -32600, /batch is empty/],
    ['a batch that is too long', JSON.stringify(Array(101).fill(1)), null, -32600, /Send at most 100/],
    ['no version', '{"id":4,"method":"Echo"}', 4, -32600, /jsonrpc/],
    ['another version', '{"jsonrpc":"1.0","id":4,"method":"Echo"}', 4, -32600, /jsonrpc/],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"Echo"}', null, -32600, /id/],
    ['a method that is a number', request(5), 1, -32600, /method/],
    ['an unknown method', request('Nope'), 1, -32601, /^method: "Nope" does not exist\./],
    ['constructor', request('constructor'), 1, -32601, /^method: "constructor" does not exist\./],
    ['__proto__', request('__proto__'), 1, -32601, /^method: "__proto__" does not exist\./],
    ['params as an array', request('CallEnd', ['x']), 1, -32602, /^params is not an object\. /],
    ['missing params', request('CallStart'), 1, -32602, /caller.*callee/],
    ['a param of the wrong type', request('CallEnd', { callid: 5 }), 1, -32602, /callid.*string/],
    ['a null param', request('CallStart', { ...URIS, callee: null }), 1, -32602, /callee/],
    [
      'CR LF in a URI',
      request('CallStart', { ...URIS, caller: 'sip:a\r\nX: y@b' }),
      1,
      -32602,
      /^caller: "sip:a.* is not a SIP URI\./,
    ],
    [
      'an escaped CR LF',
      request('CallStart', { ...URIS, caller: 'sip:a%0d%0a@b' }),
      1,
      -32602,
      /^caller: "sip:a.* is not a SIP URI\./,
    ],
    [
      'headers in a URI',
      request('CallStart', { ...URIS, callee: 'sip:a@b?Route=x' }),
      1,
      -32602,
      /^callee: .* is not a SIP URI\./,
    ],
    [
      'maddr',
      request('CallStart', { ...URIS, callee: 'sip:a@b;maddr=c' }),
      1,
      -32602,
      /"maddr", which is not allowed/,
    ],
    [
      'CR LF in a Call-ID',
      request('CallEnd', { callid: 'a\r\nb' }),
      1,
      -32602,
      /^callid: "a\\r\\nb" is not a Call-ID\./,
    ],
    [
      'an unknown leg',
      request('CallBlindTransfer', { callid: 'a', leg: 'both', destination: 'sip:a@b' }),
      1,
      -32602,
      /leg/,
    ],
    ['a cmd_id with a space', request('Echo', { cmd_id: 'a b' }), 1, -32602, /cmd_id/],
    ['a timeout out of range', request('CallStart', { ...URIS, timeout: 4 }), 1, -32602, /timeout/],
    ['2 MiB', request('Echo', { blob: 'x'.repeat(2 * 1024 * 1024) }), null, -32600, /more than 65536 bytes/],
    [
      'a binary frame without JSON',
      new Uint8Array([1, 2, 3]).buffer,
      null,
      -32700,
      /^The message is not JSON/,
    ],
    [
      'a binary frame that is not UTF-8',
      new Uint8Array([255]).buffer,
      null,
      -32700,
      /^The binary frame is not UTF-8/,
    ],
  ];

it.each(INVALID_FRAMES)('answers an invalid frame with an error: %s', async (_, frame, id, code, data) => {
  const client = await Client.connect();
  client.socket.send(frame);
  const answer = await client.socket.next();
  expect(answer).toMatchObject({ jsonrpc: '2.0', id, error: { code, data: expect.stringMatching(data) } });
  expect(await client.request('Echo', {})).toMatchObject({ id: 1, result: { event: 'Started' } });
});

it('answers a batch in one frame, without the requests that have no id', async () => {
  const client = await Client.connect();
  client.socket.send(
    `[${request('Echo', {}, 'a')}, 1, {"jsonrpc":"2.0","method":"Nope"}, ${request('Nope', {}, 'b')}, {"jsonrpc":"2.0","method":"Echo","params":{"n":2}}]`,
  );
  const answers = await client.socket.next<{ id: unknown }[]>();
  expect(answers).toHaveLength(3);
  expect(answers).toMatchObject([
    { id: 'a', result: { event: 'Started' } },
    { id: null },
    { id: 'b', error: { code: -32601 } },
  ]);
  const notifications = [...(await client.untilEnded()), ...(await client.untilEnded())];
  expect(notifications.map(({ event }) => event)).toEqual(['Reply', 'Ended', 'Reply', 'Ended']);
  expect(notifications[2]?.data).toEqual({ n: 2 });
});

it('invalid frames of one client do not disturb the calls of another', async () => {
  const adapter = await ScriptedAdapter.connect(scenarios.startOk);
  const victim = await Client.connect();
  const attacker = await Client.connect();
  adapter.beforeSend = async () => {
    attacker.socket.send('{{{');
    await attacker.socket.next();
  };
  await victim.request('CallStart', URIS);
  const events = (await victim.untilEnded()).map(({ event }) => event);
  expect(events).toEqual([
    'CallerRinging',
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'CalleeAnswered',
    'Ended',
  ]);
  adapter.close();
});

it('never sends a rejected request to OpenSIPS', async () => {
  const adapter = await ScriptedAdapter.connect(scenarios.startOk);
  const client = await Client.connect();
  for (const [, frame] of INVALID_FRAMES) {
    client.socket.send(frame);
    await client.socket.next();
  }
  await client.request('CallEnd', { callid: 'the-only-one' });
  await client.untilEnded();
  expect(adapter.miRequests.map(({ method, params }) => [method, params])).toEqual([
    ['dlg_end_dlg', { dialog_id: 'the-only-one' }],
  ]);
  adapter.close();
});
