/** Whatever a client sends gets its answer, and its socket goes on. */
import { runInDurableObject } from 'cloudflare:test';
import { expect, it, vi } from 'vitest';
import { ScriptedAdapter } from './testing/adapter.ts';
import { Client } from './testing/client.ts';
import { scenarios } from './testing/scenarios.ts';
import { Site } from './testing/site.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const request = (method: unknown, params?: unknown, id: unknown = 1) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

const rows: [what: string, frame: string | ArrayBuffer, id: unknown, code: number, data: RegExp][] = [
  ['not JSON', '{', null, -32700, /not JSON/],
  ['an empty message', '', null, -32700, /not JSON/],
  ['a string', '"hello"', null, -32600, /expected object/],
  ['an empty batch', '[]', null, -32600, /batch is empty/],
  ['a batch that is too long', JSON.stringify(Array(101).fill(1)), null, -32600, /at most 100/],
  ['no version', '{"id":4,"method":"Echo"}', 4, -32600, /jsonrpc/],
  ['another version', '{"jsonrpc":"1.0","id":4,"method":"Echo"}', 4, -32600, /jsonrpc/],
  ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"Echo"}', null, -32600, /id/],
  ['a method that is a number', request(5), 1, -32600, /method/],
  ['an unknown method', request('Nope'), 1, -32601, /there is no Nope/],
  ['constructor', request('constructor'), 1, -32601, /there is no constructor/],
  ['__proto__', request('__proto__'), 1, -32601, /there is no __proto__/],
  ['params as an array', request('CallEnd', ['x']), 1, -32602, /by name/],
  ['missing params', request('CallStart'), 1, -32602, /caller.*callee/],
  ['a param that is no string', request('CallEnd', { callid: 5 }), 1, -32602, /callid.*string/],
  ['a null param', request('CallStart', { ...uris, callee: null }), 1, -32602, /callee/],
  [
    'CR LF in a URI',
    request('CallStart', { ...uris, caller: 'sip:a\r\nX: y@b' }),
    1,
    -32602,
    /caller: not a SIP URI/,
  ],
  [
    'an escaped CR LF',
    request('CallStart', { ...uris, caller: 'sip:a%0d%0a@b' }),
    1,
    -32602,
    /caller: not a SIP URI/,
  ],
  [
    'headers in a URI',
    request('CallStart', { ...uris, callee: 'sip:a@b?Route=x' }),
    1,
    -32602,
    /callee: not a SIP URI/,
  ],
  ['maddr', request('CallStart', { ...uris, callee: 'sip:a@b;maddr=c' }), 1, -32602, /maddr is not taken/],
  ['CR LF in a Call-ID', request('CallEnd', { callid: 'a\r\nb' }), 1, -32602, /callid: not a Call-ID/],
  [
    'a leg that is none',
    request('CallBlindTransfer', { callid: 'a', leg: 'both', destination: 'sip:a@b' }),
    1,
    -32602,
    /leg/,
  ],
  ['a cmd_id with a space', request('Echo', { cmd_id: 'a b' }), 1, -32602, /cmd_id/],
  ['a timeout out of range', request('CallStart', { ...uris, timeout: 4 }), 1, -32602, /timeout/],
  ['2 MiB', request('Echo', { blob: 'x'.repeat(2 * 1024 * 1024) }), null, -32600, /longer than 65536 bytes/],
  ['a binary frame', new Uint8Array([1, 2, 3]).buffer, null, -32600, /binary/],
];

it.each(rows)('%s', async (_, frame, id, code, data) => {
  const client = await Client.connect();
  client.socket.send(frame);
  const answer = await client.socket.next();
  expect(answer).toMatchObject({ jsonrpc: '2.0', id, error: { code } });
  expect(JSON.stringify(answer)).toMatch(data);
  expect(await client.ask('Echo', {})).toMatchObject({ id: 1, result: { event: 'Started' } });
});

it('a batch of good and bad is answered as one, and notifications in it are not answered', async () => {
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
  const told = [...(await client.toEnd()), ...(await client.toEnd())];
  expect(told.map(({ event }) => event)).toEqual(['Reply', 'Ended', 'Reply', 'Ended']);
  expect(told[2]?.data).toEqual({ n: 2 });
});

it('junk from one client leaves the calls of another alone', async () => {
  const adapter = await ScriptedAdapter.connect(scenarios.startOk);
  const victim = await Client.connect();
  const vandal = await Client.connect();
  adapter.between = async () => {
    vandal.socket.send('{{{');
    await vandal.socket.next();
  };
  await victim.ask('CallStart', uris);
  const events = (await victim.toEnd()).map(({ event }) => event);
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

it('what is refused never reaches OpenSIPS', async () => {
  const adapter = await ScriptedAdapter.connect(scenarios.startOk);
  const client = await Client.connect();
  for (const [, frame] of rows) {
    client.socket.send(frame);
    await client.socket.next();
  }
  await client.ask('CallEnd', { callid: 'the-only-one' });
  await client.toEnd();
  expect(adapter.asked.map(({ method, params }) => [method, params])).toEqual([
    ['dlg_end_dlg', { dialog_id: 'the-only-one' }],
  ]);
  adapter.close();
});

it('what breaks behind it is answered and logged, and the socket goes on', async () => {
  const site = new Site();
  const client = await site.client();
  expect((await client.ask('Echo', {})).result).toBeDefined();
  await client.toEnd();
  await runInDurableObject(site.object, (_, { storage }) => {
    storage.sql.exec('ALTER TABLE ended_1 RENAME TO elsewhere');
  });
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
  const { error } = await client.ask('Echo', { cmd_id: 'named' });
  expect(error).toMatchObject({ code: -32603, data: expect.stringContaining('ask again') });
  expect(JSON.stringify(error)).not.toContain('ended_1');
  expect(logged).toHaveBeenCalledOnce();
  await runInDurableObject(site.object, (_, { storage }) => {
    storage.sql.exec('ALTER TABLE elsewhere RENAME TO ended_1');
  });
  expect((await client.ask('Echo', { cmd_id: 'named' })).result).toMatchObject({ cmd_id: 'named' });
});
