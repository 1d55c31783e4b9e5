/** The administrator's command line, against an edge that says what it was asked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { readArguments } from './admin-arguments.ts';
import { COMMANDS } from './admin-commands.ts';

const root = resolve(import.meta.dirname, '..');
const SECRET = 'the-admin-secret-of-this-test';
const KEY = 'ca.k1.api.acme.0123.a-secret_part.mac';

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

let asked: Asked[] = [];
let answer: { status: number; body: unknown } = { status: 200, body: {} };

const edge = createServer((request: IncomingMessage, response) => {
  void text(request).then((body) => {
    const { method, url, headers } = request;
    asked.push({ method, url, authorization: headers.authorization, body: body && JSON.parse(body) });
    response.writeHead(answer.status, { 'Content-Type': 'application/json' });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
});
let url = '';
beforeAll(async () => {
  await once(edge.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`;
});
afterAll(() => void edge.close());
beforeEach(() => {
  asked = [];
  answer = { status: 200, body: {} };
});

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'cli/admin.ts'), ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], EDGE_URL: url, ADMIN_SECRET: SECRET, ...env },
  });
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { status, out, err };
}

/** The request of a line that is understood. */
function requestOf(...argv: string[]) {
  const reading = readArguments(argv, {});
  if (!('request' in reading)) throw new Error(JSON.stringify(reading));
  // As it goes over the wire: what is undefined is not there.
  return JSON.parse(JSON.stringify(reading.request)) as unknown;
}

it.each([
  ['tenant create acme', 'POST', '/tenants', { id: 'acme' }],
  [
    'tenant create acme --limit standing_calls=5 --limit starts_per_second=0.5 --origin https://a --kept-seconds 60',
    'POST',
    '/tenants',
    {
      id: 'acme',
      limits: { standing_calls: 5, starts_per_second: 0.5 },
      origins: ['https://a'],
      kept_seconds: 60,
    },
  ],
  ['tenant list', 'GET', '/tenants', undefined],
  ['tenant list --deleted', 'GET', '/tenants?deleted=true', undefined],
  ['tenant show acme', 'GET', '/tenants/acme', undefined],
  ['tenant show ../keys', 'GET', '/tenants/..%2Fkeys', undefined],
  [
    'tenant set acme --deny +1900*@* --deny *@evil --limit standing_calls=default --clear allow --clear origin',
    'PATCH',
    '/tenants/acme',
    { limits: { standing_calls: null }, rules: { allow: [], deny: ['+1900*@*', '*@evil'] }, origins: [] },
  ],
  ['tenant delete acme', 'DELETE', '/tenants/acme', undefined],
  [
    'site create acme berlin --location weur',
    'POST',
    '/tenants/acme/sites',
    { id: 'berlin', location: 'weur' },
  ],
  ['site list acme', 'GET', '/tenants/acme/sites', undefined],
  ['site set acme berlin --allow *@a', 'PATCH', '/tenants/acme/sites/berlin', { rules: { allow: ['*@a'] } }],
  ['site delete acme berlin', 'DELETE', '/tenants/acme/sites/berlin', undefined],
  ['key create acme', 'POST', '/tenants/acme/keys', { role: 'api' }],
  [
    'key create acme --site berlin --scope CallStart --scope read',
    'POST',
    '/tenants/acme/keys',
    { role: 'api', site: 'berlin', scopes: ['CallStart', 'read'] },
  ],
  [
    'key create acme --role adapter --site berlin',
    'POST',
    '/tenants/acme/keys',
    { role: 'adapter', site: 'berlin' },
  ],
  ['key list acme', 'GET', '/tenants/acme/keys', undefined],
  ['key rotate acme k1 --grace 3600', 'POST', '/tenants/acme/keys/k1/rotate', { grace: 3600 }],
  ['key rotate acme k1', 'POST', '/tenants/acme/keys/k1/rotate', {}],
  ['key revoke acme k1', 'DELETE', '/tenants/acme/keys/k1', undefined],
  [
    'webhook create acme berlin https://a/hooks --event call.* --event link.* --address *@a --description billing',
    'POST',
    '/tenants/acme/sites/berlin/webhooks',
    {
      url: 'https://a/hooks',
      events: ['call.*', 'link.*'],
      addresses: ['*@a'],
      description: 'billing',
    },
  ],
  ['webhook list acme berlin', 'GET', '/tenants/acme/sites/berlin/webhooks', undefined],
  ['webhook show acme berlin w1', 'GET', '/tenants/acme/sites/berlin/webhooks/w1', undefined],
  [
    'webhook set acme berlin w1 --url https://b --enable --clear address',
    'PATCH',
    '/tenants/acme/sites/berlin/webhooks/w1',
    { url: 'https://b', enabled: true, addresses: [] },
  ],
  ['webhook rotate acme berlin w1', 'POST', '/tenants/acme/sites/berlin/webhooks/w1/rotate', {}],
  ['webhook delete acme berlin w1', 'DELETE', '/tenants/acme/sites/berlin/webhooks/w1', undefined],
  ['webhook test acme berlin w1', 'POST', '/tenants/acme/sites/berlin/webhooks/w1/test', undefined],
  [
    'webhook deliveries acme berlin w1 --state failed --entries 5 --before 9',
    'GET',
    '/tenants/acme/sites/berlin/webhooks/w1/deliveries?state=failed&limit=5&before=9',
    undefined,
  ],
  [
    'webhook replay acme berlin w1 7',
    'POST',
    '/tenants/acme/sites/berlin/webhooks/w1/deliveries/7/replay',
    undefined,
  ],
  ['audit acme --entries 5 --before 9', 'GET', '/tenants/acme/audit?limit=5&before=9', undefined],
  ['audit', 'GET', '/audit', undefined],
])('%s', (line, method, path, body) =>
  expect(requestOf(...line.split(' '))).toEqual({ method, path, ...(body ? { body } : {}) }),
);

it('has a sample of every command above', () => expect(Object.keys(COMMANDS)).toHaveLength(23));

it.each([
  ['', 'say what to do; --help lists the commands'],
  ['tenant', 'there is no command tenant;'],
  ['constructor', 'there is no command constructor;'],
  ['tenant destroy acme', 'there is no command tenant destroy;'],
  ['tenant create', 'TENANT is missing; write: tenant create TENANT'],
  ['site create acme', 'SITE is missing; write: site create TENANT SITE'],
  ['tenant show acme more', 'more is too much; write: tenant show TENANT'],
  ['tenant show acme --grace 5', 'tenant show takes no --grace; tenant show --help lists what it takes'],
  ['tenant show acme --colour', "Unknown option '--colour'"],
  ['tenant show acme --secret s', "Unknown option '--secret'"],
  ['tenant set acme --limit calls', '--limit takes NAME=N or NAME=default, and not calls'],
  ['tenant set acme --clear all', '--clear takes allow, deny, origin or address, and not all'],
  ['webhook set acme berlin w1 --enable --disable', '--enable or --disable, not both'],
  ['key rotate acme k1 --grace soon', '--grace takes a whole number, and not soon'],
  ['tenant list --edge ftp://a', 'ftp://a is no address of an edge; write it like https://calls.example.com'],
  ['tenant list --edge http://calls.example.com', 'would carry the admin secret in the clear; use https'],
  ['tenant list --edge ws://calls.example.com', 'would carry the admin secret in the clear; use https'],
])('is not understood: %s', (line, sentence) => {
  const reading = readArguments(
    line.split(' ').filter((word) => word !== ''),
    {},
  );
  expect('wrong' in reading && reading.wrong).toContain(sentence);
});

it.each([
  ['wss://calls.example.com/adapter', 'https://calls.example.com'],
  ['ws://localhost:5059/adapter', 'http://localhost:5059'],
  ['http://127.0.0.1:8787', 'http://127.0.0.1:8787'],
  ['https://calls.example.com/', 'https://calls.example.com'],
])('the edge may be written as the adapter has it: %s', (given, origin) => {
  expect(readArguments(['tenant', 'list'], { EDGE_URL: given })).toMatchObject({ edge: origin });
  expect(readArguments(['tenant', 'list', '--edge', given], {})).toMatchObject({ edge: origin });
});

it('a key stands alone on stdout, and what is to be known of it on stderr', async () => {
  answer = { status: 201, body: { id: '0123', role: 'api', key: KEY, untold: [] } };
  const { status, out, err } = await run(['key', 'create', 'acme']);
  expect({ status, out }).toEqual({ status: 0, out: `${KEY}\n` });
  expect(err).toContain('the only time that the key is shown');
  expect(err).toContain('0123');
  expect(err).not.toContain(KEY);
  expect(asked).toEqual([
    {
      method: 'POST',
      url: '/v1/admin/tenants/acme/keys',
      authorization: `Bearer ${SECRET}`,
      body: { role: 'api' },
    },
  ]);
});

it('the secret of a webhook stands alone on stdout', async () => {
  answer = { status: 201, body: { id: 'w1', secret: 'whsec_abc=', untold: [] } };
  const { status, out, err } = await run(['webhook', 'create', 'acme', 'berlin', 'https://a']);
  expect({ status, out }).toEqual({ status: 0, out: 'whsec_abc=\n' });
  expect(err).toContain('the only time that the secret is shown');
  expect(err).toContain('w1');
});

it('--json gives the whole answer', async () => {
  answer = { status: 201, body: { id: '0123', role: 'adapter', key: KEY, untold: ['berlin'] } };
  const { out, err } = await run([
    'key',
    'create',
    'acme',
    '--role',
    'adapter',
    '--site',
    'berlin',
    '--json',
  ]);
  expect(JSON.parse(out)).toEqual(answer.body);
  expect(err).toContain('Not reached yet: berlin');
});

it('a list is a table, and nothing in it can move the cursor', async () => {
  const entry = { n: 7, at: '2026-01-01T00:00:00.000Z', actor: 'admin', from: '::1', action: 'key.revoke' };
  answer = { status: 200, body: { entries: [{ ...entry, target: 'a\u001b[2Jb', outcome: 'ok' }], next: 7 } };
  const { out, err } = await run(['audit', 'acme']);
  expect(out).toBe(
    [
      'n  at                        actor  from  action      target  outcome',
      '7  2026-01-01T00:00:00.000Z  admin  ::1   key.revoke  a?[2Jb  ok\n',
    ].join('\n'),
  );
  expect(err).toContain('after 7');
});

it('the secret may come from a file, and only from there or the environment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const file = join(folder, 'secret');
  await writeFile(file, 'from-a-file\n');
  await run(['tenant', 'list', '--secret-file', file], { ADMIN_SECRET: '' });
  expect(asked[0]?.authorization).toBe('Bearer from-a-file');
  await rm(folder, { recursive: true });
  const missing = await run(['tenant', 'list', '--secret-file', file]);
  expect(missing).toMatchObject({ status: 2, err: expect.stringContaining('ENOENT') });
  const none = await run(['tenant', 'list'], { ADMIN_SECRET: '' });
  expect(none).toMatchObject({ status: 2, err: expect.stringContaining('set ADMIN_SECRET') });
});

it('1: the edge refuses, in its own words', async () => {
  answer = {
    status: 409,
    body: { status: 409, detail: 'the tenant acme exists already; choose another name' },
  };
  const { status, out, err } = await run(['tenant', 'create', 'acme']);
  expect({ status, out }).toEqual({ status: 1, out: '' });
  expect(err).toBe('Refused (409): the tenant acme exists already; choose another name.\n');
});

it('1: what answers is no edge', async () => {
  answer = { status: 200, body: '<html>' };
  expect(await run(['tenant', 'list'])).toMatchObject({
    status: 1,
    err: expect.stringContaining('check --edge'),
  });
});

it('2: it is not understood, and the edge is not asked', async () => {
  expect(await run(['tenant', 'create'])).toMatchObject({
    status: 2,
    err: 'TENANT is missing; write: tenant create TENANT.\n',
  });
  expect(asked).toEqual([]);
});

it('3: the edge is not reached', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const { status, err } = await run(['tenant', 'list', '--edge', `http://127.0.0.1:${port}`]);
  expect(status).toBe(3);
  expect(err).toContain('ECONNREFUSED');
});

it.each(Object.keys(COMMANDS))('%s --help tells its flags', (name) => {
  const reading = readArguments([...name.split(' '), '--help'], {});
  const help = 'help' in reading ? reading.help : '';
  expect(help).toContain(`${[name, ...(COMMANDS[name]?.takes ?? [])].join(' ')}: `);
  for (const flag of COMMANDS[name]?.flags ?? []) expect(help).toContain(`--${flag}`);
});

it('--help alone lists the commands', async () => {
  const { status, out } = await run(['--help'], { ADMIN_SECRET: '' });
  expect(status).toBe(0);
  for (const name of Object.keys(COMMANDS)) expect(out).toContain(name);
});
