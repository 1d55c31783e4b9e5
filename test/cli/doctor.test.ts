/** `call-api doctor` finds what is wrong and names what mends it: each fault is planted, in the whole stack. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort, startStack } from '../stack/stack.ts';
import { idOf, Tenants } from '../stack/tenants.ts';
import { type Faults, MiProxy } from './mi-proxy.ts';
import { PLACES, run } from './run.ts';

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

/** A stack whose OpenSIPS has these faults, and how to reach it through the edge and straight. */
async function stackWith(faults: Faults, simulated = {}) {
  await using rest = new AsyncDisposableStack();
  const stack = rest.use(await startStack({ adapter: false, ...simulated }));
  const proxy = rest.use(await MiProxy.open(stack.simulator.mi.port, faults));
  await stack.startAdapter({ OPENSIPS_MI: proxy.address });
  await stack.linked(true);
  const kept = rest.move();
  return {
    edge: ['--url', `ws://127.0.0.1:${stack.port}`],
    direct: ['--direct', proxy.address],
    call: ['--test-address', 'sip:keep@127.0.0.1:5060'],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

it.each(PLACES)('all is well, through the edge and straight, in a %s', async (place) => {
  await using at = await stackWith({});
  for (const way of [at.edge, at.direct]) {
    const { exit, out } = await run(['doctor', ...way, ...at.call], {}, place);
    expect(out).toContain('✓ loop');
    expect(out).toContain('✓ events');
    expect(out).not.toMatch(/[✗·]/);
    expect(exit).toBe(0);
  }
});

it('without a test address it says what it has not looked at, and that is no fault', async () => {
  await using at = await stackWith({});
  const { exit, of, ill } = await doctor(at.edge);
  expect(ill).toEqual([]);
  expect(exit).toBe(0);
  expect(of('loop')).toMatchObject({ state: 'unknown', says: expect.stringContaining('--test-address') });
});

it('what it does not reach it says is not checked: no edge', async () => {
  const { exit, ill, findings } = await doctor(['--url', `ws://127.0.0.1:${await freePort()}`]);
  expect(ill).toMatchObject([{ check: 'edge', mend: expect.stringContaining('--url') }]);
  expect(findings.at(-1)).toMatchObject({ check: 'loop', state: 'unknown' });
  expect(exit).toBe(1);
});

it('fault: a wrong key, an unknown site, a revoked key', async () => {
  await using all = await Tenants.start({ tenants: 1, sites: 1 });
  const { siteKey, tenantKey, adapterKey } = all.at('t1-s1');
  const at = ['--url', `ws://127.0.0.1:${all.port}`];

  const right = await doctor(at, { CALL_API_TOKEN: siteKey });
  expect(right.of('token')).toMatchObject({ state: 'well', says: expect.stringContaining('t1/s1') });
  expect(right.of('adapter')).toMatchObject({ state: 'well' });

  // One who is bound to an address is not told of the whole site.
  const bound = await all.mint(siteKey, { subject: 'ann', caller: 'sip:ann@example.com', scopes: ['read'] });
  const lesser = await doctor(at, { CALL_API_TOKEN: bound });
  expect(lesser.of('token')).toMatchObject({ state: 'well', says: expect.stringContaining('ann at t1/s1') });
  expect(lesser.of('adapter')).toMatchObject({
    state: 'unknown',
    says: expect.stringContaining('not bound to a caller'),
  });

  const wrong = await doctor(at, { CALL_API_TOKEN: `${siteKey.slice(0, -4)}AAAA` });
  expect(wrong.ill).toMatchObject([
    {
      check: 'token',
      says: expect.stringContaining('not copied whole'),
      mend: expect.stringContaining('key create t1'),
    },
  ]);
  const adapters = await doctor(at, { CALL_API_TOKEN: adapterKey });
  expect(adapters.ill).toMatchObject([{ check: 'token', mend: expect.stringContaining('--role api') }]);

  const unknown = await doctor([...at, '--site', 'nowhere'], { CALL_API_TOKEN: tenantKey });
  expect(unknown.ill).toMatchObject([
    { check: 'token', says: expect.stringContaining('nowhere'), mend: expect.stringContaining('site list') },
  ]);
  const unsaid = await doctor(at, { CALL_API_TOKEN: tenantKey });
  expect(unsaid.ill).toMatchObject([{ check: 'token', mend: expect.stringContaining('--site') }]);

  // A key that no door has seen: one that came in may be let in for 30 s more.
  const spare = await all.makeKey('t1', { role: 'api', site: 's1' });
  await all.admin('DELETE', `/tenants/t1/keys/${idOf(spare)}`);
  const revoked = await doctor(at, { CALL_API_TOKEN: spare });
  expect(revoked.ill).toMatchObject([
    {
      check: 'token',
      says: expect.stringContaining('was revoked'),
      mend: expect.stringContaining('key list t1'),
    },
  ]);
  expect([wrong.exit, unknown.exit, revoked.exit]).toEqual([1, 1, 1]);
});

it('fault: the adapter is off', async () => {
  await using stack = await startStack({ adapter: false });
  const { exit, ill } = await doctor(['--url', `ws://127.0.0.1:${stack.port}`]);
  expect(ill).toMatchObject([{ check: 'adapter', mend: expect.stringContaining('npm run adapter') }]);
  expect(exit).toBe(1);
});

it('fault: the MI port is closed', async () => {
  await using stack = await startStack({ adapter: false });
  const squatter = createSocket('udp4').bind(0, '127.0.0.1');
  await once(squatter, 'listening');
  const closed = `127.0.0.1:${squatter.address().port}`;
  squatter.close();
  await stack.startAdapter({ OPENSIPS_MI: closed });
  await stack.linked(true);
  const through = await doctor(['--url', `ws://127.0.0.1:${stack.port}`]);
  expect(through.ill).toMatchObject([{ check: 'mi', mend: expect.stringContaining('OPENSIPS_MI') }]);
  const straight = await doctor(['--direct', closed]);
  expect(straight.ill).toMatchObject([{ check: 'mi', mend: expect.stringContaining('mi_datagram') }]);
  expect([through.exit, straight.exit]).toEqual([1, 1]);
});

it('fault: events never arrive', async () => {
  await using at = await stackWith({ noEvents: true });
  const through = await doctor([...at.edge, ...at.call]);
  expect(through.ill).toMatchObject([{ check: 'events', mend: expect.stringContaining('--events') }]);
  expect(through.of('loop')).toMatchObject({ state: 'well' });
  const straight = await doctor(at.direct);
  expect(straight.ill).toMatchObject([{ check: 'events', mend: expect.stringContaining('firewall') }]);
  expect([through.exit, straight.exit]).toEqual([1, 1]);
});

it('fault: a module is missing', async () => {
  await using at = await stackWith({ without: ['call_transfer', 'call_hold', 'call_unhold'] });
  for (const way of [at.edge, at.direct]) {
    const { exit, ill } = await doctor(way);
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

it('fault: the first leg does not come back through the script (no next_hop)', async () => {
  await using at = await stackWith({ noNextHop: true });
  for (const way of [at.edge, at.direct]) {
    const { exit, ill } = await doctor([...way, ...at.call]);
    expect(ill).toMatchObject([
      { check: 'loop', mend: expect.stringMatching(/SIP_NEXT_HOP.*create_dialog/) },
    ]);
    expect(exit).toBe(1);
  }
});

it('fault: the clock is off by an hour', async () => {
  await using at = await stackWith({});
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const clock = join(folder, 'an-hour-ahead.mjs');
  await writeFile(clock, 'const now = Date.now; Date.now = () => now() + 3_600_000;\n');
  for (const way of [at.edge, at.direct]) {
    const { exit, ill } = await doctor(way, { NODE_OPTIONS: `--import=${clock}` });
    expect(ill).toMatchObject([
      {
        check: 'clock',
        says: expect.stringMatching(/3(599|600|601) s ahead/),
        mend: expect.stringContaining('NTP'),
      },
    ]);
    expect(exit).toBe(1);
  }
  await rm(folder, { recursive: true });
});

it('fault: OpenSIPS is too old', async () => {
  await using at = await stackWith({}, { version: 'OpenSIPS (2.4.11 (x86_64/linux))' });
  for (const way of [at.edge, at.direct]) {
    const { exit, ill } = await doctor(way);
    expect(ill).toMatchObject([
      { check: 'opensips', says: expect.stringContaining('2.4'), mend: expect.stringContaining('3.6') },
    ]);
    expect(exit).toBe(1);
  }
});
