/** Every command of `call-api`, as a process: in a pipe and on a terminal, through the edge and directly at OpenSIPS. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_SECRET, keyId, MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { findFreePort, type Stack, startStack, waitUntil } from '../harness/stack.ts';
import { OUTPUT_TARGETS, type OutputTarget, type RunResult, run, start } from './run.ts';

const DOMAIN = '127.0.0.1:5060';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
}, 60_000);
afterAll(() => stack[Symbol.asyncDispose]());

/** The routes to OpenSIPS. */
type Route = 'edge' | 'direct';
const ROUTES: readonly Route[] = ['edge', 'direct'];
const everyCombination = ROUTES.flatMap((route) => OUTPUT_TARGETS.map((target) => [route, target] as const));

function envOf(route: Route): Record<string, string> {
  const { host, port } = stack.simulator.mi;
  const to =
    route === 'edge' ? { CALL_API: `ws://127.0.0.1:${stack.port}` } : { CALL_API_DIRECT: `${host}:${port}` };
  return { ...to, CALL_API_DOMAIN: DOMAIN };
}

const call = (route: Route, target: OutputTarget, ...args: string[]): Promise<RunResult> =>
  run(args, envOf(route), target);

/** Returns the objects that `--json` printed, one per line. */
function jsonLines(out: string): Record<string, unknown>[] {
  return out
    .split(/\r?\n/)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Makes a call by the simulator itself, so that both routes find it. Returns its Call-ID. */
function dialCall(from: string, to: string): Promise<string> {
  return stack.simulator.dial({ from, to });
}

const isActive = (callid: string) => (stack.simulator.ledger.findDialog(callid)?.state ?? 5) < 5;

it.each(everyCombination)('start (%s, %s) shows each step, and the call is active', async (route, target) => {
  const { exit, out } = await call(route, target, 'start', 'keep.a', 'keep.b');
  expect(out).toContain(`sip:keep.a@${DOMAIN} is ringing`);
  expect(out).toContain(`sip:keep.a@${DOMAIN} has answered`);
  const [, callid = ''] = /the call is ([0-9a-f]+)/.exec(out) ?? [];
  expect(isActive(callid)).toBe(true);
  // The time is shown on a terminal only.
  expect(/^ +\d+\.\d s {2}/m.test(out)).toBe(target === 'terminal');
  expect(exit).toBe(0);
});

it.each(everyCombination)('start --json (%s, %s) prints one object per line', async (route, target) => {
  const { exit, out } = await call(route, target, 'start', 'keep.a', 'keep.b', '--json');
  const updates = jsonLines(out);
  expect(updates.map(({ event }) => event)).toEqual([
    'Started',
    'CallerRinging',
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'TransferPending',
    'CalleeAnswered',
    'Ended',
  ]);
  expect(exit).toBe(0);
});

it.each(everyCombination)(
  'start (%s, %s) exits with 1 at a busy phone, and says what to do',
  async (route, target) => {
    const { exit, out, err } = await call(route, target, 'start', 'busy', 'bob');
    expect(out + err).toContain('486 Busy Here. Check that');
    expect(exit).toBe(1);
  },
);

it.each(everyCombination)(
  'start (%s, %s) ends the call at Ctrl-C while it rings, and exits with 130',
  async (route, target) => {
    const user = `ring.${route}-${target}`;
    const running = start(['start', user, 'bob'], envOf(route), target);
    await running.waitForOutput('is ringing');
    running.interrupt();
    const { exit, out, err } = await running.exited;
    expect(out + err).toContain('The call has ended');
    expect(exit).toBe(130);
    const legs = stack.simulator.ledger.dialogs.filter(({ to }) => to.includes(user));
    expect(legs.map(({ state }) => state)).toEqual([5]);
  },
);

it.each(everyCombination)('hold and unhold (%s, %s)', async (route, target) => {
  const callid = await dialCall('keep.a', 'keep.b');
  const hold = await call(route, target, 'hold', callid);
  expect(hold.out).toContain('The caller is on hold');
  expect(hold.out).toContain('The callee is on hold');
  // OpenSIPS does not tell which legs are on hold, so without an edge a second hold is sent again.
  const again = await call(route, target, 'hold', callid);
  expect(again.out + again.err).toContain(
    route === 'edge' ? '480 Both dialog legs are on hold' : 'The caller is on hold',
  );
  const unhold = await call(route, target, 'unhold', callid);
  expect(unhold.out).toContain('The caller is no longer on hold');
  const leg = await call(route, target, 'hold', callid, '--leg', 'caller');
  expect(leg.out).toContain('The caller is on hold');
  expect(leg.out).not.toContain('The callee is on hold');
  expect([hold.exit, again.exit, unhold.exit, leg.exit]).toEqual([0, route === 'edge' ? 1 : 0, 0, 0]);
});

it.each(everyCombination)('transfer and attended (%s, %s)', async (route, target) => {
  const blind = await call(
    route,
    target,
    'transfer',
    await dialCall('keep.a', 'keep.b'),
    'keep.c',
    '--leg',
    'callee',
  );
  expect(blind.out).toMatch(/has answered: the call is [0-9a-f]+/);
  const [a, b] = [await dialCall('keep.a', 'keep.b'), await dialCall('keep.c', 'keep.d')];
  const attended = await call(route, target, 'attended', a, b);
  expect(attended.out).toMatch(/has answered: the call is [0-9a-f]+/);
  expect([blind.exit, attended.exit]).toEqual([0, 0]);
});

it.each(everyCombination)('end (%s, %s)', async (route, target) => {
  const callid = await dialCall('keep.a', 'keep.b');
  const end = await call(route, target, 'end', callid);
  expect(end.out).toContain('Done');
  expect(isActive(callid)).toBe(false);
  // The edge knows that the call has ended; OpenSIPS alone does not know it any more.
  const again = await call(route, target, 'end', callid);
  expect(again.out + again.err).toContain(route === 'edge' ? 'Done' : '404 Requested Dialog not found');
  expect([end.exit, again.exit]).toEqual([0, route === 'edge' ? 0 : 1]);
});

it.each(everyCombination)('echo (%s, %s)', async (route, target) => {
  const words = await call(route, target, 'echo', 'hello', 'there');
  expect(words.out).toContain('hello there');
  const json = await call(route, target, 'echo', '{"a":[1]}', '--json');
  expect(jsonLines(json.out)).toContainEqual(expect.objectContaining({ event: 'Reply', data: { a: [1] } }));
  expect([words.exit, json.exit]).toEqual([0, 0]);
});

it.each(everyCombination)('list and get (%s, %s)', async (route, target) => {
  const callid = await dialCall('keep.list', 'keep.b');
  // The edge learns of it by an event, which may still be on its route.
  await waitUntil(async () => (await call(route, 'pipe', 'list')).out.includes(callid));
  const list = await call(route, target, 'list');
  expect(list.out).toMatch(/^callid +state +caller +callee +for/m);
  const json = await call(route, target, 'list', '--json');
  expect(jsonLines(json.out)).toContainEqual(expect.objectContaining({ callid, state: 'answered' }));
  const get = await call(route, target, 'get', callid);
  expect(get.out).toMatch(new RegExp(`^callid +${callid}`, 'm'));
  const unknown = await call(route, target, 'get', 'unknown-call');
  expect(unknown.out + unknown.err).toContain('call-api list');
  expect([list.exit, json.exit, get.exit, unknown.exit]).toEqual([0, 0, 0, 1]);
});

it.each(everyCombination)(
  'watch (%s, %s) shows the active calls and each change until Ctrl-C',
  async (route, target) => {
    const before = await dialCall('keep.before', 'keep.b');
    const watch = start(['watch'], envOf(route), target);
    await watch.waitForOutput(before);
    const callid = await dialCall('keep.watched', 'keep.b');
    await waitUntil(() =>
      new RegExp(`\\d\\d:\\d\\d:\\d\\d {2}Answered +${callid} {2}sip:keep.watched`).test(watch.output()),
    );
    stack.simulator.hangUp(callid);
    await waitUntil(() => new RegExp(`Ended +${callid}`).test(watch.output()));
    watch.interrupt();
    expect((await watch.exited).exit).toBe(130);
  },
);

it.each(everyCombination)('watch --json (%s, %s) prints one object per line', async (route, target) => {
  const before = await dialCall('keep.before', 'keep.b');
  const watch = start(['watch', '--json'], envOf(route), target);
  await watch.waitForOutput(before);
  const callid = await dialCall('keep.watched', 'keep.b');
  await waitUntil(() =>
    jsonLines(watch.output().replace(/[^\n]*$/, '')).some(
      ({ event, call }) => event === 'Answered' && (call as { callid?: string }).callid === callid,
    ),
  );
  watch.interrupt();
  expect((await watch.exited).exit).toBe(130);
});

it.each(everyCombination)(
  'rpc (%s, %s) prints the raw messages until the command has ended',
  async (route, target) => {
    const params = { caller: `sip:keep.a@${DOMAIN}`, callee: `sip:keep.b@${DOMAIN}` };
    const { exit, out } = await call(route, target, 'rpc', 'CallStart', JSON.stringify(params));
    const lines = out.split(/\r?\n/).filter((line) => /^[→←]/.test(line));
    expect(lines[0]).toBe(`→ ${JSON.stringify({ jsonrpc: '2.0', id: '1', method: 'CallStart', params })}`);
    const received = lines
      .slice(1)
      .map((line) => JSON.parse(line.slice(2)) as { params?: { event: string } });
    expect(received[0]).toMatchObject({ jsonrpc: '2.0', id: '1', result: { event: 'Started' } });
    expect(received.at(-1)).toMatchObject({
      jsonrpc: '2.0',
      method: 'CallStart',
      params: { event: 'Ended' },
    });
    const refused = await call(route, target, 'rpc', 'CallDance', '{}');
    expect(refused.out).toContain('-32601');
    const broken = await call(route, target, 'rpc', 'CallStart', '{');
    expect([exit, refused.exit, broken.exit]).toEqual([0, 2, 2]);
  },
);

it.each(OUTPUT_TARGETS)('rpc without an edge (%s) stops the phone from ringing at Ctrl-C', async (target) => {
  const caller = `sip:ring.rpc-${target}@${DOMAIN}`;
  const params = JSON.stringify({ caller, callee: `sip:bob@${DOMAIN}` });
  const rpc = start(['rpc', 'CallStart', params], envOf('direct'), target);
  await rpc.waitForOutput('CallerRinging');
  rpc.interrupt();
  expect((await rpc.exited).exit).toBe(130);
  const legs = stack.simulator.ledger.dialogs.filter(({ to }) => to.includes(caller));
  expect(legs.map(({ state }) => state)).toEqual([5]);
});

it.each(OUTPUT_TARGETS)('token and admin (%s)', async (target) => {
  await using tenants = await MultiTenantStack.start({
    tenants: 1,
    sites: 1,
    sitesWithoutAdapter: ['t1-s1'],
  });
  const { siteKey } = tenants.site('t1-s1');
  const env = { CALL_API: `http://127.0.0.1:${tenants.port}`, CALL_API_TOKEN: siteKey };
  const minted = await run(
    ['token', 'alice', '--caller', 'sip:alice@example.com', '--scope', 'CallStart'],
    env,
    target,
  );
  const [token = ''] = /eyJ[\w.-]+/.exec(minted.out) ?? [];
  const me = await tenants.fetch('/v1/me', token);
  expect(await me.json()).toMatchObject({
    subject: 'alice',
    scopes: ['CallStart'],
    caller: 'sip:alice@example.com',
  });
  // In a pipe the token is printed alone.
  if (target === 'pipe') expect(minted.out).toBe(`${token}\n`);
  const outOfScope = await run(['hold', 'some-call'], { ...env, CALL_API_TOKEN: token }, target);
  expect(outOfScope.out + outOfScope.err).toMatch(/scope.*CallHold|CallHold.*scope/);
  const badToken = await run(['list'], { ...env, CALL_API_TOKEN: 'ca.made.up' }, target);
  const unlinked = await run(['end', 'some-call'], env, target);
  expect(unlinked.out + unlinked.err).toContain('Start the adapter');
  const direct = await run(['token', 'alice', '--direct', '127.0.0.1:9'], env, target);
  expect(direct.out + direct.err).toContain('Remove --direct');

  const admin = { EDGE_URL: env.CALL_API, ADMIN_SECRET };
  const list = await run(['admin', 'key', 'list', 't1'], admin, target);
  expect(list.out).toContain(keyId(siteKey));
  const refused = await run(['admin', 'tenant', 'show', 'unknown'], admin, target);
  const wrongSite = await run(['list', '--site', 'nort'], env, target);
  expect(wrongSite.out + wrongSite.err).toContain(
    'rejected the API key or token for the site "nort". Check --site',
  );
  const fromToken = await run(['token', 'bob'], { ...env, CALL_API_TOKEN: token }, target);
  expect(fromToken.out + fromToken.err).toContain('Only an API key can be exchanged');
  const runs = [minted, outOfScope, badToken, unlinked, direct, list, refused, wrongSite, fromToken];
  expect(runs.map(({ exit }) => exit)).toEqual([0, 4, 4, 3, 2, 0, 1, 4, 4]);
});

it.each(everyCombination)(
  'list (%s, %s) exits with 3 where nothing answers, and says what to check',
  async (route, target) => {
    const closed = `127.0.0.1:${await findFreePort()}`;
    const to = route === 'edge' ? { CALL_API: `ws://${closed}` } : { CALL_API_DIRECT: closed };
    const { exit, out, err } = await run(['list'], to, target);
    expect(out + err).toContain(route === 'edge' ? 'connection refused. Check --url' : 'mi_datagram');
    expect(exit).toBe(3);
  },
);

it.each(OUTPUT_TARGETS)(
  'start (%s) says only that there is no edge where nothing answers',
  async (target) => {
    const url = `ws://127.0.0.1:${await findFreePort()}`;
    const { exit, out, err } = await run(['start', 'sip:a@b', 'sip:c@d', '--url', url], {}, target);
    expect((out + err).trim()).toBe(
      `Cannot connect to the edge at ${url}: connection refused. Check --url (CALL_API). To start an edge on this machine, run npm start.`,
    );
    expect(exit).toBe(3);
  },
);

it.each(OUTPUT_TARGETS)('wrong usage (%s) exits with 2, and names --help', async (target) => {
  const unknown = await run(['dance'], {}, target);
  const flag = await run(['list', '--color'], {}, target);
  const missing = await run(['start', 'alice'], {}, target);
  const domain = await run(['start', 'alice', 'bob'], {}, target);
  expect(domain.out + domain.err).toContain(
    'caller: "alice" is not a SIP URI. Use sip:user@host, or set --domain',
  );
  for (const { out, err } of [unknown, flag, missing]) expect(out + err).toContain('--help');
  expect([unknown, flag, missing, domain].map(({ exit }) => exit)).toEqual([2, 2, 2, 2]);
});

it.each(OUTPUT_TARGETS)('help, version and completion (%s) exit with 0', async (target) => {
  const help = await run(['--help'], {}, target);
  expect(help.out).toContain('130');
  const helpCommand = await run(['help', 'list'], {}, target);
  expect(helpCommand.out).toContain('call-api list');
  const version = await run(['--version'], {}, target);
  expect(version.out).toMatch(/^\d+\.\d+\.\d+/);
  const completion = await run(['completion', 'bash'], {}, target);
  expect(completion.out).toContain('complete -F');
  expect([help, helpCommand, version, completion].map(({ exit }) => exit)).toEqual([0, 0, 0, 0]);
});

it('settings come from flags before variables, and from variables before the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const config = join(folder, 'config.json');
  const closed = `ws://127.0.0.1:${await findFreePort()}`;
  const edge = `ws://127.0.0.1:${stack.port}`;
  await writeFile(config, JSON.stringify({ url: edge }));
  const file = await run(['echo', 'x', '--config', config]);
  const variable = await run(['echo', 'x', '--config', config], { CALL_API: closed });
  const flag = await run(['--url', edge, 'echo', 'x', '--config', config], { CALL_API: closed });
  expect([file.exit, variable.exit, flag.exit]).toEqual([0, 3, 0]);
  await rm(folder, { recursive: true });
});
