/** Administrators with roles, and tenants that manage themselves: with the command line, real sockets and calls, as deployed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../cli/run.ts';
import type { Client } from '../harness/client.ts';
import { ADMIN_SECRET, keyId, MultiTenantStack } from '../harness/multi-tenant-stack.ts';

let stack: MultiTenantStack;
let edge: string;
beforeAll(async () => {
  stack = await MultiTenantStack.start({
    tenants: 2,
    sites: 1,
    tenantSettings: { rules: { deny: ['+1900*@*'] } },
  });
  edge = `http://127.0.0.1:${stack.port}`;
}, 60_000);
afterAll(() => stack[Symbol.asyncDispose]());

const runAdmin = (secret: string, line: string) =>
  run(['admin', ...line.split(' ')], { EDGE_URL: edge, ADMIN_SECRET: secret });
const runManage = (key: string, line: string) =>
  run(['manage', ...line.split(' ')], { CALL_API: edge, CALL_API_TOKEN: key });

const createManager = async (tenant: string) =>
  (await runAdmin(ADMIN_SECRET, `key create ${tenant} --scope manage`)).out.trim();

/** Returns the error of a CallStart to a user; undefined if the command has started. */
async function reasonOf(client: Client, user: string): Promise<string | undefined> {
  const params = { caller: 'sip:alice@127.0.0.1', callee: `sip:${user}@127.0.0.1` };
  const { error } = await client.request('CallStart', params);
  return error && String(error.data);
}

it('lets an administrator do what its role allows, and says what it does not', async () => {
  const created = await runAdmin(ADMIN_SECRET, 'administrator create alice --role operate');
  expect(created).toMatchObject({ exit: 0, out: expect.stringMatching(/^ca\.\w+\.admin\.alice\.\S+\n$/) });
  const alice = created.out.trim();
  expect(await runAdmin(alice, 'tenant list')).toMatchObject({ exit: 0, out: expect.stringContaining('t2') });
  expect(await runAdmin(alice, 'key create t1 --scope read')).toMatchObject({ exit: 0 });
  const refused = await runAdmin(alice, 'tenant set t1 --limit starts_per_second=1');
  expect(refused).toMatchObject({
    exit: 4,
    err: expect.stringContaining(
      'PATCH /tenants/t1 needs the role "all", and the administrator "alice" has the role "operate".',
    ),
  });
  const trails = [await runAdmin(alice, 'audit t1 --entries 1'), await runAdmin(alice, 'audit --entries 1')];
  expect(trails.map(({ out }) => out)).toEqual([
    expect.stringMatching(/admin:alice +operate .* key\.create/),
    expect.stringMatching(/admin:alice +operate .* admin\.refused +PATCH \/tenants\/t1 +needs the role all/),
  ]);
  expect(await runAdmin(ADMIN_SECRET, 'administrator revoke alice')).toMatchObject({ exit: 0 });
  expect(await runAdmin(alice, 'tenant list')).toMatchObject({ exit: 4 });
});

it('applies the rules of a tenant at once to open sockets, in addition to those of the administrator', async () => {
  const manager = await createManager('t1');
  const mine = await stack.connectClient(stack.site('t1-s1').siteKey);
  const others = await stack.connectClient(stack.site('t2-s1').siteKey);
  expect(await reasonOf(mine, '+49900123')).toBeUndefined();
  expect(await runManage(manager, 'set --allow * --deny +49900*@*')).toMatchObject({ exit: 0 });
  expect(await reasonOf(mine, '+49900123')).toContain('not allowed by the dialing rules');
  expect(await reasonOf(mine, '+1900555')).toContain('not allowed by the dialing rules');
  expect(await reasonOf(mine, '+4930123')).toBeUndefined();
  expect(await reasonOf(others, '+49900123')).toBeUndefined();
});

it('closes the sockets of a key that a tenant revokes, and not those of another tenant', async () => {
  const [manager, foreign] = [await createManager('t1'), await createManager('t2')];
  const { out } = await runManage(manager, 'key create --scope read');
  const key = out.trim();
  const client = await stack.connectClient(key, '?site=s1');
  const unknown = await runManage(foreign, `key revoke ${keyId(key)}`);
  expect([unknown.exit, unknown.err]).toEqual([1, expect.stringContaining('There is no key')]);
  // The foreign key has had no effect: the socket still answers.
  expect(await client.request('CallList', {})).toHaveProperty('result');
  expect(await runManage(manager, `key revoke ${keyId(key)}`)).toMatchObject({ exit: 0 });
  expect(await client.closed).toMatchObject({ code: 4401 });
});

it('keeps a tenant within the bounds that an administrator sets', async () => {
  const manager = await createManager('t2');
  const bounds = '--own-scope read --own-webhook-host *.t2.example --own-origin https://*.t2.example';
  expect(await runAdmin(ADMIN_SECRET, `tenant set t2 ${bounds}`)).toMatchObject({ exit: 0 });
  expect(await runManage(manager, 'show')).toMatchObject({
    exit: 0,
    out: expect.stringContaining('*.t2.example'),
  });
  for (const [line, exit, sentence] of [
    ['key create --scope read', 0, ''],
    ['key create --scope CallStart', 4, 'may not have CallStart. Use read.'],
    ['set --origin https://app.t2.example', 0, ''],
    ['set --origin https://evil.example', 4, 'may not add "https://evil.example"'],
    ['webhook create s1 https://hooks.t2.example/calls', 0, ''],
    [
      'webhook create s1 https://evil.example/calls',
      4,
      'may not send webhooks to "https://evil.example/calls"',
    ],
  ] as const) {
    const { exit: actual, err } = await runManage(manager, line);
    expect([line, actual, err]).toEqual([line, exit, expect.stringContaining(sentence)]);
  }
  const { out } = await runManage(manager, 'audit --entries 3');
  expect(out).toContain(`key:${keyId(manager)}`);
  expect(out).toContain('webhook.create');
});
