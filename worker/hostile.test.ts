/** Two thousand messages that mean no good, from a client that may dial from one address only. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { methods } from '../shared/methods.ts';
import { callsMade } from './testing/scenarios.ts';
import { policy, Site } from './testing/site.ts';

const MESSAGES = 2_000;
/** The call of another, at the same site. */
const VICTIM = 'victims-call';

const nasty = fc.oneof(
  fc.constantFrom(
    VICTIM,
    `${VICTIM}\r\nX: y`,
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
  fc.oneof({ weight: 4, arbitrary: nasty }, { weight: 1, arbitrary: fc.constantFrom('caller', 'callee') }),
  { maxKeys: 8 },
);
/** Whole but for what is aimed at: these get as far as a request can. */
const aimed = fc.oneof(
  fc.record({ method: fc.constant('CallStart'), params: fc.record({ caller: nasty, callee: nasty }) }),
  fc.record({
    method: fc.constantFrom('CallEnd', 'CallHold', 'CallUnhold'),
    params: fc.record({ callid: nasty }),
  }),
  fc.record({
    method: fc.constant('CallBlindTransfer'),
    params: fc.record({ callid: nasty, leg: fc.constant('caller'), destination: nasty }),
  }),
  fc.record({
    method: fc.constant('CallAttendedTransfer'),
    params: fc.record({
      callidA: nasty,
      legA: fc.constant('caller'),
      callidB: nasty,
      legB: fc.constant('callee'),
    }),
  }),
);
const request = fc.oneof(
  aimed.map((what) => ({ jsonrpc: '2.0', id: 1, ...what })),
  fc.record({
    jsonrpc: fc.constantFrom('2.0', '1.0'),
    id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
    method: fc.oneof(fc.constantFrom(...Object.keys(methods), 'Authorize', 'constructor'), fc.string()),
    params: fc.oneof(params, fc.jsonValue()),
  }),
);
const frame = fc.oneof(
  { weight: 6, arbitrary: request.map((one) => JSON.stringify(one)) },
  { weight: 1, arbitrary: fc.array(request, { maxLength: 4 }).map((all) => JSON.stringify(all)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
);

interface Message {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly data?: unknown };
  readonly method?: string;
}

it('each is answered in the protocol’s words, none reaches what is another’s, and the site goes on', async () => {
  const site = new Site();
  const adapter = await site.adapter(callsMade(VICTIM));
  const of = policy(
    { messages_per_second: 10_000, starts_per_second: 10_000, commands_in_flight: 100_000 },
    { rules: [{ allow: ['*@127.0.0.1'], deny: ['+1900*@*'] }] },
  );
  const victim = await site.client({ subject: 'sub:victim', policy: of });
  const start = { caller: 'sip:victim@127.0.0.1', callee: 'sip:bob@127.0.0.1', cmd_id: 'victims-command' };
  await victim.ask('CallStart', start);
  await victim.toEnd();
  const before = adapter.asked.length;

  const mallory = await site.open({ subject: 'sub:mallory', caller: 'sip:alice@127.0.0.1', policy: of });
  const answers: Message[] = [];
  for (const text of fc.sample(frame, { numRuns: MESSAGES, seed: 20_261_123 })) {
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
  const asked = adapter.asked.slice(before);
  expect(asked.length, 'some of it is well-formed, and is run').toBeGreaterThan(50);
  for (const { method, params: of } of asked) {
    const { callid, transfer_callid: other, dialog_id: dialogId, ruri, destination = '' } = of;
    for (const named of [callid, other, dialogId]) expect(named).not.toBe(VICTIM);
    if (method === 't_uac_dlg') expect(String(ruri)).toMatch(/^sip:(a|%61)lice@127\.0\.0\.1/);
    expect(`${ruri ?? ''}${destination}`).not.toMatch(/[\s<>?\0]|900/);
  }
  await victim.ask('CallHold', { callid: VICTIM });
  expect((await victim.toEnd()).at(-2)).toMatchObject({ event: 'CallHoldSuccessful' });
  adapter.close();
}, 60_000);
