/** Hostile requests: every response is documented, and none reaches the call of another subject. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Problem } from '../../shared/protocol/http/problem.ts';
import { type Route, routes } from '../../shared/protocol/http/routes.ts';
import { createSender } from '../testing/http.ts';
import { statefulCalls } from '../testing/scenarios.ts';
import { policy, TestSite } from '../testing/site.ts';

const REQUEST_COUNT = 1_000;
/** The call of another subject at the same site. */
const VICTIM = 'victims-call';

const allRoutes: readonly Route[] = Object.values(routes);

const hostileText = fc.oneof(
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
    fc.oneof(hostileText, fc.constantFrom('caller', 'callee', VICTIM, 'sip:eve@127.0.0.1')),
  ),
);
const body = fc.oneof(
  hostileText,
  json.map((value) => JSON.stringify(value)),
  json.map((params) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallEnd', params })),
  fc.integer({ min: 1, max: 40_000 }).map((levels) => '[{"a":'.repeat(levels)),
  fc.integer({ min: 1, max: 10_000 }).map((levels) => '['.repeat(levels) + ']'.repeat(levels)),
);
const query = fc.array(
  fc.tuple(fc.constantFrom('site', 'wait', 'since', 'state', 'limit', 'cursor', 'address', 'x'), hostileText),
  { maxLength: 2 },
);

it('responds to a thousand requests as documented', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(statefulCalls(VICTIM));
  const owner = await site.client({ subject: 'sub:owner' });
  await owner.request('CallStart', { caller: 'sip:owner@127.0.0.1', callee: 'sip:bob@127.0.0.1' });
  await owner.untilEnded();
  const setupCount = adapter.miRequests.length;
  const unlimited = policy({
    messages_per_second: 10_000,
    tenant_messages_per_second: 100_000,
    sessions_per_subject: 10_000,
    starts_per_second: 10_000,
  });
  const send = await createSender(site, { subject: 'sub:eve', caller: 'sip:eve@127.0.0.1' }, unlimited);

  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...allRoutes),
      hostileText,
      query,
      hostileText,
      body,
      async (route, pathParam, queryParams, key, text) => {
        const path = route.path.replace(/\{\w+\}/, () => encodeURIComponent(pathParam.toWellFormed()));
        const search = new URLSearchParams(queryParams.map(([name, value]) => [name, value.toWellFormed()]));
        // Clients cannot send other characters in a header.
        const headers = /^[\x20-\x7e]*$/.test(key) ? { 'Idempotency-Key': key } : {};
        const response = await send(`${path}?${search}`, {
          method: route.method,
          headers,
          ...(route.method === 'POST' ? { body: text } : {}),
        });
        const type = response.headers.get('Content-Type') ?? '';
        if (type.startsWith('text/event-stream')) return void (await response.body?.cancel());
        const responseText = await response.text();
        expect([200, 202, 204, 400, 403, 404, 405, 409, 413], responseText).toContain(response.status);
        if (type !== 'application/problem+json') return;
        expect(Problem.parse(JSON.parse(responseText)).status).toBe(response.status);
      },
    ),
    { numRuns: REQUEST_COUNT },
  );

  // No MI request concerns the victim's call.
  expect(JSON.stringify(adapter.miRequests.slice(setupCount))).not.toContain(`"${VICTIM}"`);
  expect(await owner.request('CallGet', { callid: VICTIM })).toMatchObject({
    result: { call: { state: 'answered' } },
  });
  adapter.close();
}, 120_000);
