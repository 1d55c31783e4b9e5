/** `call-api doctor` finds each planted fault in the whole stack, and names what repairs it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { keyId, MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { findFreePort, startStack, waitUntil } from '../harness/stack.ts';
import { FakeHttpEdge } from './fake-http-edge.ts';
import { type MiFaults, MiProxy } from './mi-proxy.ts';
import { OUTPUT_TARGETS, run, start } from './run.ts';

interface Finding {
  readonly check: string;
  readonly state: 'well' | 'ill' | 'unknown';
  readonly says: string;
  readonly mend?: string;
}

interface Report {
  readonly exit: number | null;
  readonly findings: readonly Finding[];
  readonly ill: readonly Finding[];
  of(check: string): Finding | undefined;
}

async function doctor(args: readonly string[], env: Record<string, string> = {}): Promise<Report> {
  const { exit, out, err } = await run(['doctor', '--json', ...args], env);
  if (out === '') throw new Error(`no report (${exit}): ${err}`);
  const findings = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding);
  return {
    exit,
    findings,
    ill: findings.filter(({ state }) => state === 'ill'),
    of: (name) => findings.find(({ check }) => check === name),
  };
}

/** Starts a stack whose OpenSIPS has these faults. Returns the flags to reach it through the edge and directly. */
async function stackWith(faults: MiFaults, simulated = {}) {
  await using rest = new AsyncDisposableStack();
  const stack = rest.use(await startStack({ startsAdapter: false, ...simulated }));
  const proxy = rest.use(await MiProxy.open(stack.simulator.mi.port, faults));
  await stack.startAdapter({ OPENSIPS_MI: proxy.address });
  await stack.waitForLink(true);
  const started = rest.move();
  return {
    edge: ['--url', `ws://127.0.0.1:${stack.port}`],
    direct: ['--direct', proxy.address],
    call: ['--test-address', 'sip:keep@127.0.0.1:5060'],
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

it.each(OUTPUT_TARGETS)('finds no fault through the edge and directly (%s)', async (target) => {
  await using at = await stackWith({});
  for (const route of [at.edge, at.direct]) {
    const { exit, out } = await run(['doctor', ...route, ...at.call], {}, target);
    expect(out).toContain('✓ engine');
    expect(out).toContain('✓ loop');
    expect(out).toContain('✓ events');
    expect(out).not.toContain('✗');
    // The simulator has no SIP: these need phones.
    const unchecked = [...out.matchAll(/· (\S+(?: \S+)?) {2,}/g)].map(([, name]) => name);
    expect(unchecked).toEqual(
      route === at.edge ? [] : ['phone', 'first leg', 'notify', 'challenge', 'pinging'],
    );
    expect(exit).toBe(0);
  }
});

it('finds that OpenSIPS can only transfer and hold by callops', async () => {
  await using at = await stackWith({ missingCommands: ['dlg_send_sequential'] });
  for (const route of [at.edge, at.direct]) {
    const { exit, ill } = await doctor(route);
    expect(ill).toMatchObject([
      {
        check: 'engine',
        says: expect.stringContaining('callops'),
        mend: expect.stringContaining('dlg_send_sequential'),
      },
    ]);
    expect(exit).toBe(1);
  }
});

it('reports what it has not checked without a test address, which is no fault', async () => {
  await using at = await stackWith({});
  const { exit, of, ill } = await doctor(at.edge);
  expect(ill).toEqual([]);
  expect(exit).toBe(0);
  expect(of('loop')).toMatchObject({ state: 'unknown', says: expect.stringContaining('--test-address') });
});

it('reports the checks that are not reached without an edge', async () => {
  const { exit, ill, findings } = await doctor(['--url', `ws://127.0.0.1:${await findFreePort()}`]);
  // The step at which the way ends comes first.
  expect(ill).toMatchObject([{ check: 'tcp' }, { check: 'edge', mend: expect.stringContaining('--url') }]);
  expect(findings.at(-1)).toMatchObject({ check: 'loop', state: 'unknown' });
  expect(exit).toBe(3);
});

it('finds a wrong key, an unknown site and a revoked key', async () => {
  await using tenants = await MultiTenantStack.start({ tenants: 1, sites: 1 });
  const { siteKey, tenantKey, adapterKey } = tenants.site('t1-s1');
  const at = ['--url', `ws://127.0.0.1:${tenants.port}`];

  const valid = await doctor(at, { CALL_API_TOKEN: siteKey });
  expect(valid.of('token')).toMatchObject({ state: 'well', says: expect.stringContaining('t1/s1') });
  expect(valid.of('adapter')).toMatchObject({ state: 'well' });

  // A token that is bound to an address gets no diagnosis of the whole site.
  const bound = await tenants.mintToken(siteKey, {
    subject: 'ann',
    caller: 'sip:ann@example.com',
    scopes: ['read'],
  });
  const boundReport = await doctor(at, { CALL_API_TOKEN: bound });
  expect(boundReport.of('token')).toMatchObject({
    state: 'well',
    says: expect.stringContaining('ann at t1/s1'),
  });
  expect(boundReport.of('adapter')).toMatchObject({
    state: 'unknown',
    says: expect.stringContaining('bound to a caller'),
  });

  const wrong = await doctor(at, { CALL_API_TOKEN: `${siteKey.slice(0, -4)}AAAA` });
  expect(wrong.ill).toMatchObject([
    {
      check: 'token',
      says: expect.stringContaining('incomplete'),
      mend: expect.stringContaining('key create t1'),
    },
  ]);
  const adapters = await doctor(at, { CALL_API_TOKEN: adapterKey });
  expect(adapters.ill).toMatchObject([{ check: 'token', mend: expect.stringContaining('--role api') }]);

  const unknown = await doctor([...at, '--site', 'nowhere'], { CALL_API_TOKEN: tenantKey });
  expect(unknown.ill).toMatchObject([
    { check: 'token', says: expect.stringContaining('nowhere'), mend: expect.stringContaining('site list') },
  ]);
  const withoutSite = await doctor(at, { CALL_API_TOKEN: tenantKey });
  expect(withoutSite.ill).toMatchObject([{ check: 'token', mend: expect.stringContaining('--site') }]);

  // A key that has never been used: one that has may be accepted for 30 s more.
  const spare = await tenants.createKey('t1', { role: 'api', site: 's1' });
  await tenants.adminRequest('DELETE', `/tenants/t1/keys/${keyId(spare)}`);
  const revoked = await doctor(at, { CALL_API_TOKEN: spare });
  expect(revoked.ill).toMatchObject([
    {
      check: 'token',
      says: expect.stringContaining('was revoked'),
      mend: expect.stringContaining('key list t1'),
    },
  ]);
  expect([wrong, unknown, withoutSite, revoked].map(({ exit }) => exit)).toEqual([4, 4, 2, 4]);
});

it('finds that the adapter is off', async () => {
  await using stack = await startStack({ startsAdapter: false });
  const { exit, ill } = await doctor(['--url', `ws://127.0.0.1:${stack.port}`]);
  expect(ill).toMatchObject([{ check: 'adapter', mend: expect.stringContaining('npm run adapter') }]);
  expect(exit).toBe(3);
});

it('shows a standby, and finds that its OpenSIPS does not answer', async () => {
  await using stack = await startStack();
  const standby = await stack.startAdapter({ ADAPTER_NAME: 'spare', OPENSIPS_MI: '127.0.0.1:9' });
  await waitUntil(() => standby.log().includes('as standby'));
  const { exit, ill, of } = await doctor(['--url', `ws://127.0.0.1:${stack.port}`]);
  expect(ill).toMatchObject([{ check: 'standby', says: expect.stringContaining('spare') }]);
  expect(of('adapter')).toMatchObject({ state: 'well', says: expect.stringContaining('test') });
  expect(exit).toBe(3);
});

it('asks the OpenSIPS of each adapter where all serve the site, and names the one that does not answer', async () => {
  await using stack = await startStack({ startsAdapter: false, secrets: { ADAPTERS: 'active' } });
  const at = ['--url', `ws://127.0.0.1:${stack.port}`];
  const start = async (name: string, env = {}) => {
    const adapter = await stack.startAdapter({ ADAPTER_NAME: name, ...env });
    await waitUntil(() => adapter.log().includes('Connected to the edge.'));
    return adapter;
  };
  await start('sbc1');
  const second = await start('sbc2', { OPENSIPS_MI: '127.0.0.1:9' });
  const unreachable = await doctor(at);
  expect(unreachable.ill).toMatchObject([
    { check: 'adapter', says: expect.stringContaining('sbc2') },
    { check: 'mi', says: expect.stringMatching(/^sbc2: OpenSIPS does not answer/) },
  ]);
  expect(unreachable.of('mi')).toMatchObject({ state: 'well', says: expect.stringMatching(/^sbc1: /) });
  await second.stop('SIGKILL');
  await waitUntil(
    async () =>
      (await stack.fetchHealth()).link.adapters?.some((each) => 'role' in each && each.role === 'lost') ??
      false,
  );
  const lost = await doctor(at);
  expect(lost.ill).toMatchObject([
    { check: 'adapter', says: expect.stringMatching(/^The adapter sbc2 was lost/) },
  ]);
  expect(lost.exit).toBe(3);
});

it('finds that the MI port is closed', async () => {
  await using stack = await startStack({ startsAdapter: false });
  const squatter = createSocket('udp4').bind(0, '127.0.0.1');
  await once(squatter, 'listening');
  const closed = `127.0.0.1:${squatter.address().port}`;
  squatter.close();
  await stack.startAdapter({ OPENSIPS_MI: closed });
  await stack.waitForLink(true);
  const edge = await doctor(['--url', `ws://127.0.0.1:${stack.port}`]);
  expect(edge.ill).toMatchObject([{ check: 'mi', mend: expect.stringContaining('OPENSIPS_MI') }]);
  const direct = await doctor(['--direct', closed]);
  expect(direct.ill).toMatchObject([{ check: 'mi', mend: expect.stringContaining('mi_datagram') }]);
  expect([edge.exit, direct.exit]).toEqual([3, 3]);
});

it('finds that events never arrive', async () => {
  await using at = await stackWith({ dropsEvents: true });
  const edge = await doctor([...at.edge, ...at.call]);
  expect(edge.ill).toMatchObject([{ check: 'events', mend: expect.stringContaining('--events') }]);
  expect(edge.of('loop')).toMatchObject({ state: 'well' });
  const direct = await doctor(at.direct);
  expect(direct.ill).toMatchObject([{ check: 'events', mend: expect.stringContaining('firewall') }]);
  expect([edge.exit, direct.exit]).toEqual([1, 1]);
});

it('finds that a module is missing', async () => {
  await using at = await stackWith({ missingCommands: ['call_transfer', 'call_hold', 'call_unhold'] });
  for (const route of [at.edge, at.direct]) {
    const { exit, ill } = await doctor(route);
    expect(ill).toMatchObject([
      {
        check: 'modules',
        says: expect.stringContaining('call_hold'),
        mend: expect.stringContaining('callops.so'),
      },
    ]);
    expect(exit).toBe(1);
  }
});

it('finds that the first leg does not pass the script (no next_hop)', async () => {
  await using at = await stackWith({ dropsNextHop: true });
  for (const route of [at.edge, at.direct]) {
    const { exit, ill } = await doctor([...route, ...at.call]);
    expect(ill).toMatchObject([
      { check: 'loop', mend: expect.stringMatching(/SIP_NEXT_HOP.*create_dialog/) },
    ]);
    expect(exit).toBe(1);
  }
});

/** Returns the variables of a process whose clock is ahead. */
async function clockAhead(seconds: number): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const clock = join(folder, 'ahead.mjs');
  await writeFile(clock, `const now = Date.now; Date.now = () => now() + ${seconds * 1_000};\n`);
  return { NODE_OPTIONS: `--import=${clock}` };
}

it('finds that the clock is off, also by an hour where that cannot be the time zone', async () => {
  await using at = await stackWith({});
  for (const [route, seconds] of [
    [at.edge, 3_600],
    [at.edge, 120],
    [at.direct, 120],
    [at.direct, 200_000],
  ] as const) {
    const { exit, ill } = await doctor(route, await clockAhead(seconds));
    expect(ill).toMatchObject([
      {
        check: 'clock',
        says: expect.stringMatching(new RegExp(`(${seconds - 1}|${seconds}|${seconds + 1}) s ahead`)),
        mend: expect.stringContaining('NTP'),
      },
    ]);
    expect(exit).toBe(1);
  }
});

it('takes another time zone of OpenSIPS for no fault of the clock', async () => {
  await using at = await stackWith({});
  for (const zone of ['Asia/Kolkata', 'America/Los_Angeles'])
    for (const route of [at.edge, at.direct]) {
      const { ill, of } = await doctor(route, { TZ: zone });
      expect(ill).toEqual([]);
      expect(of('clock')).toMatchObject({ state: 'well' });
    }
});

it('finds that OpenSIPS is too old', async () => {
  await using at = await stackWith({}, { version: 'OpenSIPS (2.4.11 (x86_64/linux))' });
  for (const route of [at.edge, at.direct]) {
    const { exit, ill } = await doctor(route);
    expect(ill).toMatchObject([
      { check: 'opensips', says: expect.stringContaining('2.4'), mend: expect.stringContaining('3.6') },
    ]);
    expect(exit).toBe(1);
  }
});

it('does not take an edge that is not available for a verdict on the key', async () => {
  const unavailable = { status: 503, body: { detail: 'overloaded' } };
  const key = 'ca.k1.api.t1.id.secret.mac';
  const me = { tenant: 't1', site: 's1', subject: 'key:id', scopes: ['read'] };
  for (const [answers, args, exitCode] of [
    [[unavailable], [], 3],
    [[{ status: 429, body: {} }], [], 3],
    [[{ status: 200, body: 'not what an edge says' }], [], 3],
    // The key may be valid for another site.
    [[{ status: 401, body: {} }, unavailable], ['--site', 's1'], 3],
    [
      [
        { status: 401, body: {} },
        { status: 401, body: {} },
      ],
      ['--site', 's1'],
      4,
    ],
    // The edge becomes unavailable before the diagnosis.
    [[{ status: 200, body: me }], [], 3],
  ] as const) {
    await using edge = await FakeHttpEdge.start((path, attempt) => {
      if (path === '/healthz') return { status: 200, body: { version: '1.2.3' } };
      return path === '/v1/me' ? (answers[attempt - 1] ?? unavailable) : unavailable;
    });
    const { exit, ill, findings } = await doctor(args, { CALL_API: edge.url, CALL_API_TOKEN: key });
    expect(ill).toHaveLength(1);
    expect(exit).toBe(exitCode);
    expect(JSON.stringify(ill).includes('was revoked')).toBe(exitCode === 4);
    expect(JSON.stringify(findings).includes('rejected the')).toBe(exitCode === 4);
  }
});

it('finds who uses the port for events, or that it cannot be there', async () => {
  await using at = await stackWith({});
  const squatter = createSocket('udp4').bind(0, '127.0.0.1');
  await once(squatter, 'listening');
  for (const [events, reason] of [
    [`127.0.0.1:${squatter.address().port}`, 'another program uses the port'],
    ['192.0.2.1:5061', 'the address does not belong to this machine'],
    ['nowhere.invalid:5061', 'the host name does not exist'],
  ] as const) {
    const { exit, ill } = await doctor([...at.direct, '--events', events]);
    expect(ill).toMatchObject([{ check: 'events', says: expect.stringContaining(reason) }]);
    expect(exit).toBe(1);
  }
  squatter.close();
});

it('ends the test call at Ctrl-C', async () => {
  await using stack = await startStack({ scriptEvents: true });
  const { host, port } = stack.simulator.mi;
  for (const [at, to] of [
    ['--url', `ws://127.0.0.1:${stack.port}`],
    ['--direct', `${host}:${port}`],
  ] as const) {
    const user = `ring.${at.slice(2)}`;
    const running = start(['doctor', at, to, '--test-address', `sip:${user}@127.0.0.1:5060`]);
    const legs = () => stack.simulator.ledger.dialogs.filter((dialog) => dialog.to.includes(user));
    await waitUntil(() => legs().length > 0);
    running.interrupt();
    expect((await running.exited).exit).toBe(130);
    expect(legs().map(({ state }) => state)).toEqual([5]);
  }
});
