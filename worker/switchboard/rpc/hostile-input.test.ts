/** Two thousand random hostile frames from a client that may dial from one address only. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commandParams } from '../../../shared/protocol/rpc/commands.ts';
import { statefulCalls } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';

const FRAME_COUNT = 2_000;
/** The call of another client of the site. */
const VICTIM_CALLID = 'victims-call';

const hostileValue = fc.oneof(
  fc.constantFrom(
    VICTIM_CALLID,
    `${VICTIM_CALLID}\r\nX: y`,
    'victims-command',
    'sip:victim@127.0.0.1',
    'sip:alice@127.0.0.1',
    'sip:%61lice@127.0.0.1;user=phone',
    'sip:+1900555@127.0.0.1',
    'sip:%2B1(900)555@127.0.0.1.',
    'sip:a\r\nRoute: <sip:evil>@127.0.0.1',
    'sip:a%0d%0a@127.0.0.1',
    'sip:a@127.0.0.1?Replaces=x',
    'sip:a@127.0.0.1;maddr=192.0.2.1',
    '<sip:a@127.0.0.1>',
    '__proto__',
    '\u0000',
    '../../etc/passwd',
    "'; DROP TABLE calls; --",
    '\ud800',
    '💥'.repeat(100),
  ),
  fc.string({ maxLength: 40 }),
  fc.jsonValue({ maxDepth: 2 }),
);
const params = fc.dictionary(
  fc.constantFrom(
    ...['caller', 'callee', 'callid', 'callidA', 'callidB', 'leg', 'legA', 'legB', 'destination', 'timeout'],
    ...['cmd_id', 'token', '__proto__', 'constructor', 'subject', 'session', 'owner'],
  ),
  fc.oneof(
    { weight: 4, arbitrary: hostileValue },
    { weight: 1, arbitrary: fc.constantFrom('caller', 'callee') },
  ),
  { maxKeys: 8 },
);
/** Complete requests with hostile values: they get furthest. */
const completeRequest = fc.oneof(
  fc.record({
    method: fc.constant('CallStart'),
    params: fc.record({ caller: hostileValue, callee: hostileValue }),
  }),
  fc.record({
    method: fc.constantFrom('CallEnd', 'CallHold', 'CallUnhold'),
    params: fc.record({ callid: hostileValue }),
  }),
  fc.record({
    method: fc.constant('CallBlindTransfer'),
    params: fc.record({ callid: hostileValue, leg: fc.constant('caller'), destination: hostileValue }),
  }),
  fc.record({
    method: fc.constant('CallAttendedTransfer'),
    params: fc.record({
      callidA: hostileValue,
      legA: fc.constant('caller'),
      callidB: hostileValue,
      legB: fc.constant('callee'),
    }),
  }),
);
const request = fc.oneof(
  completeRequest.map((fields) => ({ jsonrpc: '2.0', id: 1, ...fields })),
  fc.record({
    jsonrpc: fc.constantFrom('2.0', '1.0'),
    id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
    method: fc.oneof(fc.constantFrom(...Object.keys(commandParams), 'Authorize', 'constructor'), fc.string()),
    params: fc.oneof(params, fc.jsonValue()),
  }),
);
const frame = fc.oneof(
  { weight: 6, arbitrary: request.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.array(request, { maxLength: 4 }).map((batch) => JSON.stringify(batch)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
);

interface Message {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly data?: unknown };
  readonly method?: string;
}

it('answers each frame with an error of the protocol, and none affects the call of another client', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(statefulCalls(VICTIM_CALLID));
  const permissive = policy(
    {
      messages_per_second: 10_000,
      tenant_messages_per_second: 100_000,
      unread_bytes: 16_777_216,
      starts_per_second: 10_000,
      commands_in_flight: 100_000,
      replayed_bytes_per_minute: 1_024 ** 3,
      tenant_replayed_bytes_per_minute: 1_024 ** 3,
      written_bytes_per_minute: 1_024 ** 3,
      tenant_written_bytes_per_minute: 1_024 ** 3,
    },
    { rules: [{ allow: ['*@127.0.0.1'], deny: ['+1900*@*'] }] },
  );
  const victim = await site.client({ subject: 'sub:victim', policy: permissive });
  const start = { caller: 'sip:victim@127.0.0.1', callee: 'sip:bob@127.0.0.1', cmd_id: 'victims-command' };
  await victim.request('CallStart', start);
  await victim.untilEnded();
  const before = adapter.miRequests.length;

  const mallory = await site.openSocket({
    subject: 'sub:mallory',
    caller: 'sip:alice@127.0.0.1',
    policy: permissive,
  });
  const answers: Message[] = [];
  for (const text of fc.sample(frame, { numRuns: FRAME_COUNT, seed: 20_261_123 })) {
    mallory.send(text);
    mallory.send('{"jsonrpc":"2.0","id":"after","method":"Nope"}');
    for (let last: Message = {}; last.id !== 'after'; ) {
      const next = await mallory.next<Message | Message[]>();
      last = Array.isArray(next) ? {} : next;
      answers.push(...(Array.isArray(next) ? next : [next]));
    }
  }

  for (const { error, result, method } of answers) {
    if (error) expect([-32700, -32600, -32601, -32602, -32002, -32004]).toContain(error.code);
    else expect(result ?? method).toBeDefined();
  }
  expect(JSON.stringify(answers)).not.toMatch(/\.ts:\d+|at [A-Z]\w+\.|node_modules/);
  const requests = adapter.miRequests.slice(before);
  expect(requests.length, 'some frames are well-formed, and are run').toBeGreaterThan(50);
  for (const { method, params } of requests) {
    const { callid, transfer_callid: otherCallid, dialog_id: dialogId, ruri, destination = '' } = params;
    for (const each of [callid, otherCallid, dialogId]) expect(each).not.toBe(VICTIM_CALLID);
    if (method === 't_uac_dlg') expect(String(ruri)).toMatch(/^sip:(a|%61)lice@127\.0\.0\.1/);
    expect(`${ruri ?? ''}${destination}`).not.toMatch(/[\s<>?\0]|900/);
  }
  await victim.request('CallHold', { callid: VICTIM_CALLID });
  expect((await victim.untilEnded()).at(-2)).toMatchObject({ event: 'CallHoldSuccessful' });
  adapter.close();
}, 60_000);
