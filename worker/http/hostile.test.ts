/** Requests that mean no good: whatever comes, the answer is one that is documented, and nothing reaches a victim. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Problem, type Route, routes } from '../../shared/http.ts';
import { sender } from '../testing/http.ts';
import { callsMade } from '../testing/scenarios.ts';
import { policy, Site } from '../testing/site.ts';

const REQUESTS = 1_000;
/** The call of another, at the same site. */
const VICTIM = 'victims-call';

const all: readonly Route[] = Object.values(routes);

const nasty = fc.oneof(
  fc.constantFrom(
    VICTIM,
    `${VICTIM}\r\nX: y`,
    '',
    '.',
    '..',
    '%',
    '%00',
    '%zz',
    '%2e%2e%2f',
    '{callid}',
    'sip:a\r\nRoute: <sip:evil>@127.0.0.1',
    '__proto__',
    'constructor',
    '\u0000',
    '../../etc/passwd',
    "'; DROP TABLE calls; --",
    '💥'.repeat(100),
  ),
  fc.string({ maxLength: 40 }),
);
const json = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(
    fc.constantFrom(
      'caller',
      'callee',
      'leg',
      'legA',
      'callidB',
      'legB',
      'destination',
      'cmd_id',
      '__proto__',
    ),
    fc.oneof(nasty, fc.constantFrom('caller', 'callee', VICTIM, 'sip:eve@127.0.0.1')),
  ),
);
const body = fc.oneof(
  nasty,
  json.map((value) => JSON.stringify(value)),
  json.map((params) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallEnd', params })),
  fc.integer({ min: 1, max: 40_000 }).map((levels) => '[{"a":'.repeat(levels)),
  fc.integer({ min: 1, max: 10_000 }).map((levels) => '['.repeat(levels) + ']'.repeat(levels)),
);
const query = fc.array(
  fc.tuple(fc.constantFrom('site', 'wait', 'since', 'state', 'limit', 'cursor', 'address', 'x'), nasty),
  { maxLength: 2 },
);

it('a thousand requests get answers that are documented', async () => {
  const site = new Site();
  const adapter = await site.adapter(callsMade(VICTIM));
  const owner = await site.client({ subject: 'sub:owner' });
  await owner.ask('CallStart', { caller: 'sip:owner@127.0.0.1', callee: 'sip:bob@127.0.0.1' });
  await owner.toEnd();
  const made = adapter.asked.length;
  const of = policy({ messages_per_second: 10_000, sessions_per_subject: 10_000, starts_per_second: 10_000 });
  const send = await sender(site, { subject: 'sub:eve', caller: 'sip:eve@127.0.0.1' }, of);

  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...all),
      nasty,
      query,
      nasty,
      body,
      async (route, part, asked, key, text) => {
        const path = route.path.replace(/\{\w+\}/, () => encodeURIComponent(part.toWellFormed()));
        const search = new URLSearchParams(asked.map(([name, value]) => [name, value.toWellFormed()]));
        // What no header may hold is sent by nobody.
        const sent = /^[\x20-\x7e]*$/.test(key) ? { 'Idempotency-Key': key } : {};
        const response = await send(`${path}?${search}`, {
          method: route.verb,
          headers: sent,
          ...(route.verb === 'POST' ? { body: text } : {}),
        });
        const type = response.headers.get('Content-Type') ?? '';
        if (type.startsWith('text/event-stream')) return void (await response.body?.cancel());
        const answer = await response.text();
        expect([200, 202, 204, 400, 403, 404, 405, 409, 413], answer).toContain(response.status);
        if (type !== 'application/problem+json') return;
        expect(Problem.parse(JSON.parse(answer)).status).toBe(response.status);
      },
    ),
    { numRuns: REQUESTS },
  );

  // Whatever was asked of the victim's call was asked of one that nobody has.
  expect(JSON.stringify(adapter.asked.slice(made))).not.toContain(`"${VICTIM}"`);
  expect(await owner.ask('CallGet', { callid: VICTIM })).toMatchObject({
    result: { call: { state: 'answered' } },
  });
  adapter.close();
}, 120_000);
