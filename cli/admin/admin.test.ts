/** `call-api admin`, against an edge that records the requests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { leavesOf, termOf } from '../commands/usage.ts';
import { runProgram } from '../process.ts';
import { createSilentProgram } from '../program.ts';

const root = resolve(import.meta.dirname, '../..');
const SECRET = 'the-admin-secret-of-this-test';
const KEY = 'ca.k1.api.acme.0123.a-secret_part.mac';

const [admin] = createSilentProgram().commands.filter((command) => command.name() === 'admin');
if (!admin) throw new Error('the program has no command admin');
const COMMANDS = leavesOf(admin);

interface RecordedRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

let requests: RecordedRequest[] = [];
let answer: { status: number; body: unknown } = { status: 200, body: {} };

const edge = createServer((request: IncomingMessage, response) => {
  void text(request).then((body) => {
    const { method, url, headers } = request;
    requests.push({ method, url, authorization: headers.authorization, body: body && JSON.parse(body) });
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
  requests = [];
  answer = { status: 200, body: {} };
});

interface RunResult {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `call-api admin` in this process. */
async function run(args: readonly string[], env: Record<string, string> = {}): Promise<RunResult> {
  let out = '';
  let err = '';
  const exit = await runProgram(['admin', ...args], {
    env: { EDGE_URL: url, ADMIN_SECRET: SECRET, ...env },
    out: { write: (chunk) => (out += chunk) },
    err: { write: (chunk) => (err += chunk) },
    interrupt: new AbortController().signal,
  });
  return { exit, out, err };
}

/** Runs `npm run admin` as a process. */
async function runProcess(args: readonly string[]): Promise<RunResult> {
  const child = spawn(process.execPath, [join(root, 'cli/admin.ts'), ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], EDGE_URL: url, ADMIN_SECRET: SECRET },
  });
  const [out, err, [exit]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { exit, out, err };
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
  [
    'administrator create alice --role operate',
    'POST',
    '/administrators',
    { name: 'alice', role: 'operate' },
  ],
  ['administrator list', 'GET', '/administrators', undefined],
  ['administrator rotate alice --grace 60', 'POST', '/administrators/alice/rotate', { grace: 60 }],
  ['administrator revoke alice', 'DELETE', '/administrators/alice', undefined],
  ['tenant list', 'GET', '/tenants', undefined],
  ['tenant list --deleted', 'GET', '/tenants?deleted=true', undefined],
  ['tenant list --after acme', 'GET', '/tenants?after=acme', undefined],
  ['tenant show acme', 'GET', '/tenants/acme', undefined],
  [
    'tenant set acme --deny +1900*@* --deny *@evil --limit standing_calls=default --clear allow --clear origin',
    'PATCH',
    '/tenants/acme',
    { limits: { standing_calls: null }, rules: { allow: [], deny: ['+1900*@*', '*@evil'] }, origins: [] },
  ],
  [
    'tenant set acme --own-keys 5 --own-scope read --own-scope CallStart --own-webhook-host *.acme.example --clear own-origin',
    'PATCH',
    '/tenants/acme',
    {
      bounds: { max_keys: 5, scopes: ['read', 'CallStart'], webhook_hosts: ['*.acme.example'], origins: [] },
    },
  ],
  ['tenant delete acme', 'DELETE', '/tenants/acme', undefined],
  ['site show acme berlin', 'GET', '/tenants/acme/sites/berlin', undefined],
  [
    'site create acme berlin --location weur',
    'POST',
    '/tenants/acme/sites',
    { id: 'berlin', location: 'weur' },
  ],
  ['site list acme', 'GET', '/tenants/acme/sites', undefined],
  ['site set acme berlin --allow *@a', 'PATCH', '/tenants/acme/sites/berlin', { rules: { allow: ['*@a'] } }],
  [
    'site set acme berlin --link dial --url wss://sip.example.com/link --idle 30 --keep',
    'PATCH',
    '/tenants/acme/sites/berlin',
    { link: { mode: 'dial', url: 'https://sip.example.com/link', idle_s: 30, keep: true } },
  ],
  [
    'site set acme berlin --link dial --url https://sip.example.com',
    'PATCH',
    '/tenants/acme/sites/berlin',
    { link: { mode: 'dial', url: 'https://sip.example.com' } },
  ],
  [
    'site set acme berlin --link dial --url https://a.example --url wss://b.example/x',
    'PATCH',
    '/tenants/acme/sites/berlin',
    { link: { mode: 'dial', url: 'https://a.example', more_urls: ['https://b.example/x'] } },
  ],
  ['site set acme berlin --link accept', 'PATCH', '/tenants/acme/sites/berlin', { link: { mode: 'accept' } }],
  [
    'site set acme berlin --adapters active --replicated-dialogs yes',
    'PATCH',
    '/tenants/acme/sites/berlin',
    { adapters: 'active', replicated_dialogs: true },
  ],
  [
    'site set acme berlin --replicated-dialogs no',
    'PATCH',
    '/tenants/acme/sites/berlin',
    { replicated_dialogs: false },
  ],
  ['site set acme berlin --adapters standby', 'PATCH', '/tenants/acme/sites/berlin', { adapters: 'standby' }],
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
])('%s', async (line, method, path, body) => {
  expect(await run(line.split(' '))).toMatchObject({ exit: 0 });
  expect(requests).toEqual([
    { method, url: `/v1/admin${path}`, authorization: `Bearer ${SECRET}`, body: body ?? '' },
  ]);
});

it('has an example of every command above', () => expect(COMMANDS).toHaveLength(28));

it.each([
  ['', 'Usage: call-api admin'],
  ['tenant', 'Usage: call-api admin tenant'],
  ['constructor', 'Unknown command "constructor".'],
  ['tenant destroy acme', 'Unknown command "destroy".'],
  ['tenant lst', 'Unknown command "lst". Did you mean list?'],
  [
    'tenant create',
    'The argument TENANT is missing.\nUsage: call-api admin tenant create [options] <TENANT>',
  ],
  ['site create acme', 'The argument SITE is missing.'],
  [
    'site set acme berlin --link dial',
    '--link: "dial" needs --url, the address at which the adapter listens.',
  ],
  ['site set acme berlin --idle 30', '--idle: has no effect without --link dial. Add it, or remove --idle.'],
  [
    'site set acme berlin --link accept --keep',
    '--keep: has no effect without --link dial. Add it, or remove --keep.',
  ],
  [
    'site set acme berlin --adapters both',
    '--adapters: "both" is not a mode of the adapters. Use standby or active.',
  ],
  [
    'site set acme berlin --replicated-dialogs maybe',
    '--replicated-dialogs: "maybe" is not yes or no. Use yes or no.',
  ],
  ['tenant show acme more', 'Too many arguments: it takes 1, and 2 are given.'],
  ['tenant show acme --grace 5', 'Unknown option "--grace".'],
  ['tenant show acme --color', 'Unknown option "--color".'],
  ['tenant show acme --secret=s', 'Unknown option "--secret".'],
  ['tenant show acme --url ws://localhost', 'Unknown option "--url".'],
  ['tenant show ../keys', 'TENANT: "../keys" is not the name of a tenant.'],
  ['site create acme North', 'SITE: "North" is not the name of a site.'],
  ['tenant set acme', 'Nothing to change. Use at least one of --limit, --allow, --deny'],
  ['tenant set acme --limit calls', '--limit: "calls" is not NAME=N.'],
  ['tenant set acme --limit foo=3', '--limit: "foo=3" is not a limit. Use messages_per_second, '],
  [
    'tenant set acme --limit standing_calls=0',
    '--limit: "standing_calls=0" is out of range. Use a whole number from 1 to 1000000, or default.',
  ],
  [
    'tenant set acme --clear all',
    '--clear: "all" is not a list that can be emptied. Use allow, deny, origin, address, own-scope, own-webhook-host or own-origin.',
  ],
  ['tenant set acme --allow acme', '--allow: "acme" is not a pattern of user@host.'],
  ['tenant set acme --origin HTTPS://A', '--origin: "HTTPS://A" is not an origin.'],
  ['tenant set acme --kept-seconds 5', '--kept-seconds: "5" is not a whole number from 60 to 3600.'],
  ['site create acme berlin --location mars', '--location: "mars" is not a region. Use wnam, '],
  ['webhook set acme berlin w1 --enable --disable', '--enable and --disable cannot be used together.'],
  ['webhook create acme berlin ftp://a', 'URL: "ftp://a" is not the URL of a webhook.'],
  ['webhook replay acme berlin w1 x', 'N: "x" is not the number of a delivery.'],
  ['key create acme --role boss', '--role: "boss" is not a role. Use api or adapter.'],
  ['key create acme --role adapter', '--role: "adapter" needs --site'],
  ['key create acme --role adapter --site a --scope read', '--scope: an adapter key has no scopes.'],
  ['key create acme --scope dance', '--scope: "dance" is not a scope. Use CallStart, '],
  ['key rotate acme k1 --grace soon', '--grace: "soon" is not a whole number from 0 to 604800.'],
  ['key rotate acme k1 --grace', '--grace has no value. Write --grace SECONDS.'],
  ['audit --entries 1001', '--entries: "1001" is not a whole number from 1 to 1000.'],
  ['tenant list --edge ftp://a', '--edge: "ftp://a" is not the URL of an edge'],
  ['tenant list --edge http://calls.example.com', 'would send the admin secret unencrypted. Use https://.'],
])('exits with 2 and sends nothing: %s', async (line, sentence) => {
  const { exit, out, err } = await run(line.split(' ').filter((word) => word !== ''));
  expect({ exit, out }).toEqual({ exit: 2, out: '' });
  expect(err).toContain(sentence);
  expect(requests).toEqual([]);
});

it.each([[['--json', 'tenant', 'list']], [['tenant', '--json', 'list']], [['tenant', 'list', '--json']]])(
  'takes its own options anywhere: %j',
  async (args) => {
    answer = { status: 200, body: { tenants: [] } };
    expect((await run(args, { EDGE_URL: 'http://localhost:1' })).exit).toBe(3);
    expect(JSON.parse((await run([...args, '--edge', url])).out)).toEqual(answer.body);
  },
);

it('prints a key alone on stdout, and hints about it on stderr', async () => {
  answer = { status: 201, body: { id: '0123', role: 'api', key: KEY, untold: [] } };
  const { exit, out, err } = await run(['key', 'create', 'acme']);
  expect({ exit, out }).toEqual({ exit: 0, out: `${KEY}\n` });
  expect(err).toContain('Store the key now');
  expect(err).toContain('0123');
  expect(err).not.toContain(KEY);
  expect(requests).toEqual([
    {
      method: 'POST',
      url: '/v1/admin/tenants/acme/keys',
      authorization: `Bearer ${SECRET}`,
      body: { role: 'api' },
    },
  ]);
});

it('prints the key of an administrator alone on stdout, and what it is for on stderr', async () => {
  answer = { status: 201, body: { name: 'alice', role: 'read', id: '0123', key: KEY, untold: [] } };
  const { exit, out, err } = await run(['administrator', 'create', 'alice', '--role', 'read']);
  expect({ exit, out }).toEqual({ exit: 0, out: `${KEY}\n` });
  expect(err).toBe(
    'Store the key now: it is not shown again.\nalice sets it as ADMIN_SECRET of call-api admin.\n',
  );
});

it('prints the secret of a webhook alone on stdout', async () => {
  answer = { status: 201, body: { id: 'w1', secret: 'whsec_abc=', untold: [] } };
  const { exit, out, err } = await run(['webhook', 'create', 'acme', 'berlin', 'https://a']);
  expect({ exit, out }).toEqual({ exit: 0, out: 'whsec_abc=\n' });
  expect(err).toContain('Store the secret now');
  expect(err).toContain('w1');
});

it('prints the whole answer with --json', async () => {
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
  expect(err).toContain('has not reached these sites yet: berlin');
});

it('prints a list as a table without control characters', async () => {
  const entry = {
    n: 7,
    at: '2026-01-01T00:00:00.000Z',
    actor: 'admin',
    role: 'all',
    from: '::1',
    action: 'key.revoke',
  };
  answer = { status: 200, body: { entries: [{ ...entry, target: 'a\u001b[2Jb', outcome: 'ok' }], next: 7 } };
  const { out, err } = await run(['audit', 'acme']);
  expect(out).toBe(
    [
      'n  at                        actor  role  from  action      target  outcome',
      '7  2026-01-01T00:00:00.000Z  admin  all   ::1   key.revoke  a?[2Jb  ok\n',
    ].join('\n'),
  );
  expect(err).toContain('--before 7');
});

it('reads the secret from a file or from the environment only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const file = join(folder, 'secret');
  await writeFile(file, 'from-a-file\n');
  await run(['tenant', 'list', '--secret-file', file], { ADMIN_SECRET: '' });
  expect(requests[0]?.authorization).toBe('Bearer from-a-file');
  await rm(folder, { recursive: true });
  const missing = await run(['tenant', 'list', '--secret-file', file]);
  expect(missing).toMatchObject({ exit: 2, err: expect.stringContaining('no such file') });
  const none = await run(['tenant', 'list'], { ADMIN_SECRET: '' });
  expect(none).toMatchObject({ exit: 2, err: expect.stringContaining('Set ADMIN_SECRET') });
});

it('exits with 1 where the edge refuses, and prints its reason', async () => {
  answer = {
    status: 409,
    body: { status: 409, detail: 'id: the tenant acme exists already. Choose another id' },
  };
  const { exit, out, err } = await run(['tenant', 'create', 'acme']);
  expect({ exit, out }).toEqual({ exit: 1, out: '' });
  expect(err).toBe(
    'The edge rejected the request (409): id: the tenant acme exists already. Choose another id.\n',
  );
});

it('names the setting of a wrong secret', async () => {
  answer = { status: 401, body: { status: 401, detail: 'the admin secret is wrong' } };
  expect(await run(['tenant', 'list'])).toMatchObject({
    exit: 4,
    err: `The edge at ${url} rejected the admin secret or key (401). Check ADMIN_SECRET or --secret-file.\n`,
  });
});

it('exits with 3 where the answer is not from an edge', async () => {
  answer = { status: 200, body: '<html>' };
  expect(await run(['tenant', 'list'])).toMatchObject({
    exit: 3,
    err: expect.stringContaining('Check --edge'),
  });
});

it('exits with 3 where the edge is not reached', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const { exit, err } = await run(['tenant', 'list', '--edge', `http://127.0.0.1:${port}`]);
  expect(exit).toBe(3);
  expect(err).toMatch(
    /^Cannot connect to the edge at http.*: connection refused\. Check --edge \(EDGE_URL\)\.$/m,
  );
});

it.each(COMMANDS.map((command) => [termOf(command, admin), command] as const))(
  '%s has a help with its flags',
  async (term, command) => {
    const path = term.split(' ').filter((word) => !/[<[]/.test(word));
    const { exit, out } = await run([...path, '--help'], { ADMIN_SECRET: '' });
    expect(exit).toBe(0);
    expect(out).toContain(`call-api admin ${path.join(' ')} [options]`);
    for (const { long } of [...command.options, ...admin.options]) expect(out).toContain(long);
  },
);

it('lists every command with --help', async () => {
  const { exit, out } = await run(['--help'], { ADMIN_SECRET: '' });
  expect(exit).toBe(0);
  for (const command of COMMANDS) expect(out).toContain(termOf(command, admin));
});

it('runs as npm run admin', async () => {
  answer = { status: 200, body: { tenants: [{ id: 'acme' }] } };
  expect(await runProcess(['tenant', 'list'])).toEqual({
    exit: 0,
    out: 'id    created  deleted\nacme  -        -\n',
    err: '',
  });
  expect(await runProcess(['tenant', 'create'])).toMatchObject({ exit: 2, out: '' });
}, 30_000);
