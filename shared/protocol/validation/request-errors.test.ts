/** The error texts for wrong values in every field of every request: each names the field, in sentences of our own. */
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import {
  AuditQuery,
  KeyBody,
  RotateKeyBody,
  SiteBody,
  SiteChange,
  TenantBody,
  TenantChange,
  TenantsQuery,
} from '../admin/requests.ts';
import { type Route, routes } from '../http/routes.ts';
import { TokenRequest } from '../http/token-request.ts';
import { commandParams } from '../rpc/commands.ts';
import { ConnectQuery } from '../rpc/connect-query.ts';
import { RpcRequest } from '../rpc/jsonrpc.ts';
import { queryParams } from '../rpc/queries.ts';
import { AuthorizeParams, DiagnoseParams, DiscoverParams } from '../rpc/service-methods.ts';
import { DeliveriesQuery } from '../webhooks/deliveries.ts';
import { EndpointBody, EndpointChange, RotateSecretBody } from '../webhooks/endpoints.ts';
import { fieldNames, schemasAt, valueAt } from './expectations.ts';
import { validate } from './validate.ts';

type Path = readonly (string | number)[];

const alice = 'sip:alice@example.com';
const SECRET = 'eyJhbGciOiJIUzI1NiJ9.c2VjcmV0';

/** A valid value for each field name of requests. */
const validValues: Readonly<Record<string, unknown>> = {
  cmd_id: 'c-1',
  metadata: { ticket: 7 },
  caller: alice,
  callee: alice,
  destination: alice,
  timeout: 30,
  display: 'Alice',
  auto_answer: true,
  headers: { 'X-Ticket': '4711' },
  callid: 'a@b',
  callidA: 'a@b',
  callidB: 'c@d',
  leg: 'caller',
  legA: 'caller',
  legB: 'callee',
  address: 'alice@example.com',
  since: 5,
  limit: 10,
  cursor: '7',
  token: 'a.b.c',
  session: 's-1',
  site: 'berlin',
  access_token: 'a.b.c',
  wait: 5,
  subject: 'alice',
  scopes: ['read'],
  expires_in: 600,
  id: 'acme',
  limits: {
    messages_per_second: 5,
    tenant_messages_per_second: 5,
    replayed_bytes_per_minute: 65_536,
    tenant_replayed_bytes_per_minute: 65_536,
    written_bytes_per_minute: 65_536,
    tenant_written_bytes_per_minute: 65_536,
    connections_per_minute: 5,
    tenant_connections_per_minute: 5,
    commands_in_flight: 5,
    starts_per_second: 5,
    standing_calls: 5,
    message_bytes: 2_048,
    sessions_per_subject: 5,
    unread_bytes: 262_144,
    stream_unread_bytes: 65_536,
    stored_bytes: 16_777_216,
  },
  rules: { allow: ['*@example.com'], deny: ['+1900*@*'] },
  origins: ['https://app.example.com'],
  kept_seconds: 60,
  bounds: {
    max_keys: 5,
    scopes: ['read'],
    webhook_hosts: ['*.example.com'],
    origins: ['https://app.example.com'],
  },
  location: 'weur',
  link: {
    mode: 'dial',
    url: 'https://adapter.example.com/link',
    more_urls: ['https://standby.example.com/link'],
    idle_s: 60,
    keep: false,
  },
  adapters: 'active',
  replicated_dialogs: true,
  role: 'api',
  grace: 60,
  before: 5,
  after: 'acme',
  deleted: 'true',
  url: 'https://hooks.example/calls',
  description: 'a webhook',
  events: ['call.*'],
  addresses: ['*@example.com'],
  enabled: true,
  jsonrpc: '2.0',
  method: 'Echo',
  params: { a: 1 },
};

/** The requests, with the values of fields whose name means something else there. */
type Request = readonly [name: string, schema: z.ZodType, values?: object];
const requests: readonly Request[] = [
  ['a message', RpcRequest, { id: 1 }],
  ...Object.entries(commandParams),
  ...Object.entries(queryParams).map(
    ([name, schema]) => [name, schema, name === 'CallList' ? { state: ['ringing'] } : {}] as const,
  ),
  ['Authorize', AuthorizeParams],
  ['Diagnose', DiagnoseParams],
  ['rpc.discover', DiscoverParams],
  ['the URL of a socket', ConnectQuery, { since: '5', events: 'original' }],
  ...(Object.values(routes) as Route[]).flatMap(({ method, path, query, body, pathParams }) => {
    const title = `${method} ${path}`;
    const state = path === '/v1/calls' && method === 'GET' ? { state: ['ringing'] } : {};
    return [
      [`${title}, query`, query, state] as const,
      ...(body && path !== '/v1/rpc' ? [[`${title}, body`, body] as const] : []),
      ...(pathParams ? [[`${title}, path`, pathParams] as const] : []),
    ];
  }),
  ['POST /v1/tokens', TokenRequest],
  ['a new tenant', TenantBody],
  ['a change of a tenant', TenantChange],
  ['a new site', SiteBody],
  ['a change of a site', SiteChange],
  ['a new API key', KeyBody],
  ['a new adapter key', KeyBody, { role: 'adapter' }],
  ['the rotation of a key', RotateKeyBody],
  ['a page of the audit log', AuditQuery],
  ['a page of tenants', TenantsQuery],
  ['a new webhook', EndpointBody],
  ['a change of a webhook', EndpointChange],
  ['the rotation of a secret', RotateSecretBody],
  ['a page of deliveries', DeliveriesQuery, { state: 'failed' }],
];

const wrongValues: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  '',
  'a b',
  'é\r\n"',
  '-1',
  '1.5',
  SECRET,
  'x'.repeat(10_000),
  [],
  [null],
  [[[]]],
  ['x', 1, {}],
  Array.from({ length: 300 }, () => 'x'),
  {},
  { a: { b: [1, { c: null }] } },
  { [SECRET]: 'x'.repeat(5_000) },
  JSON.parse('{"__proto__":{"a":1},"constructor":1}'),
];

const LIBRARY_TEXT =
  /Invalid input|expected .*received|Too small|Too big|Invalid option|Unrecognized key|Invalid string|Invalid ISO|Invalid URL|ZodError|undefined|\[object|NaN/;

/** Returns the paths to all values within a value, but not into free-form objects. */
function pathsWithin(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  if (path.at(-1) === 'metadata' || (path.length === 1 && path[0] === 'params')) return [path];
  const members: [string | number, unknown][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  return [path, ...members.flatMap(([name, member]) => pathsWithin(member, [...path, name]))];
}

function withValueAt(value: unknown, [segment, ...rest]: Path, replacement: unknown): unknown {
  if (segment === undefined) return replacement;
  const copy: unknown = structuredClone(value);
  const member = withValueAt(valueAt(copy, [segment]), rest, replacement);
  if (typeof copy !== 'object' || copy === null) return copy;
  if (member === undefined && !Array.isArray(copy)) Reflect.deleteProperty(copy, segment);
  else Reflect.set(copy, segment, member);
  return copy;
}

function checkText(text: string, path: Path, context: string): void {
  expect(text, context).not.toMatch(LIBRARY_TEXT);
  expect(text, context).toMatch(/^(?:[A-Z"]|[a-zA-Z_.[\]0-9-]+(?:\["[^"]*"\])?: )/);
  expect(text, context).toMatch(/\.$/);
  expect(text, context).not.toContain('x'.repeat(65));
  expect(text.length, context).toBeLessThan(2_500);
  for (const segment of path) if (typeof segment === 'string') expect(text, context).toContain(segment);
}

describe.each(requests.map(([name, schema, values = {}]) => ({ name, schema, values })))(
  '$name',
  ({ name, schema, values }) => {
    const names = fieldNames(schema, { role: 'api', ...values });
    const all = { ...validValues, ...values };
    const valid = Object.fromEntries(names.map((field) => [field, valueAt(all, [field])]));

    it('accepts the valid value, which has all fields', () => {
      expect(validate(schema, valid, 'The body')).toMatchObject({ success: true });
      for (const path of pathsWithin(valid)) {
        const known = schemasAt(schema, valid, path).flatMap((each) =>
          fieldNames(each, valueAt(valid, path)),
        );
        expect(Object.keys(Object(valueAt(valid, path))), path.join('.')).toEqual(
          expect.arrayContaining(known),
        );
      }
    });

    it('describes each wrong value in a sentence that names its field', () => {
      for (const path of pathsWithin(valid)) {
        const isFree =
          ['metadata', 'access_token', 'params', 'id'].includes(String(path[0])) || name === 'Echo';
        let rejected = 0;
        for (const wrong of wrongValues) {
          const input = withValueAt(valid, path, wrong);
          const result = validate(schema, input, 'The body');
          if (result.success) continue;
          rejected += 1;
          checkText(result.error, path, `${path.join('.')} = ${JSON.stringify(wrong)?.slice(0, 80)}`);
          if (path[0] === 'token' || path[0] === 'access_token') expect(result.error).not.toContain(SECRET);
        }
        expect(rejected, path.join('.')).toBeGreaterThan(isFree ? 0 : 5);
      }
    });

    it('describes each unknown field', () => {
      for (const path of pathsWithin(valid)) {
        const value = valueAt(valid, path);
        if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
        for (const key of ['foo', 'a b', 'é\n', 'x'.repeat(200)]) {
          const result = validate(schema, withValueAt(valid, [...path, key], 'abc'), 'The body');
          if (result.success) continue;
          checkText(result.error, path, `${path.join('.')}: ${key.slice(0, 20)}`);
        }
      }
    });
  },
);

it.each<[schema: z.ZodType, input: unknown, text: unknown]>([
  [
    commandParams.CallStart,
    { caller: alice, callee: alice, timeout: 2 },
    'timeout: 2 is too small. Use a whole number of seconds from 5 to 180.',
  ],
  [
    commandParams.CallStart,
    { callee: alice },
    'caller: missing. Give a SIP URI such as sip:alice@example.com.',
  ],
  [
    commandParams.CallStart,
    { caller: 'alice', callee: alice },
    'caller: "alice" is not a SIP URI. Use one such as sip:alice@example.com.',
  ],
  [
    commandParams.CallHold,
    { callid: 'a', leg: 'both' },
    'leg: "both" is not allowed. Use "caller" or "callee".',
  ],
  [queryParams.CallList, { limit: 501 }, 'limit: 501 is too large. Use a whole number from 1 to 500.'],
  [
    queryParams.CallList,
    { state: ['ringing', 'x'] },
    'state[1]: "x" is not allowed. Use "ringing", "answered", "held", "transferring" or "ended".',
  ],
  [routes.list.query, { limit: 'ten' }, 'limit: "ten" is not a number. Use a whole number from 1 to 500.'],
  [AuthorizeParams, { token: 7 }, 'token: the value is not a string. Use a client token.'],
  [AuthorizeParams, undefined, 'The body is missing. Give an object with the field token.'],
  [
    SiteChange,
    {},
    'The body changes nothing. Give at least one of location, rules, link, adapters, replicated_dialogs.',
  ],
  [
    SiteBody,
    { id: 'berlin', foo: 1 },
    'foo: unknown field. Known fields: id, location, rules, link, adapters, replicated_dialogs.',
  ],
  [KeyBody, {}, 'role: missing. Give "api" or "adapter".'],
  [KeyBody, { role: 'adapter', site: 'a', scopes: [] }, 'scopes: unknown field. Known fields: role, site.'],
  [
    EndpointBody,
    { url: 'https://alice:secret@hooks.example/' },
    'url: "https://…@hooks.example/" has a user name, a password or a fragment. Remove it. The signature shows who has sent a webhook.',
  ],
  [
    TenantBody,
    { id: 'a', origins: Array.from({ length: 9 }, () => 'x') },
    expect.stringMatching(/ And 4 more errors\.$/),
  ],
])('the text %#', (schema, input, text) => {
  expect(validate(schema, input, 'The body')).toEqual({ success: false, error: text });
});
