/** Every command of `call-api`, as a process: at a pipe and on a terminal, through the edge and straight at OpenSIPS. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort, type Stack, startStack, until } from '../stack/stack.ts';
import { ADMIN_SECRET, idOf, Tenants } from '../stack/tenants.ts';
import { PLACES, type Place, type Ran, run, start } from './run.ts';

const DOMAIN = '127.0.0.1:5060';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
}, 60_000);
afterAll(() => stack[Symbol.asyncDispose]());

/** The two ways to OpenSIPS. */
type Way = 'edge' | 'direct';
const WAYS: readonly Way[] = ['edge', 'direct'];
const both = WAYS.flatMap((way) => PLACES.map((place) => [way, place] as const));

function envOf(way: Way): Record<string, string> {
  const { host, port } = stack.simulator.mi;
  const to =
    way === 'edge' ? { CALL_API: `ws://127.0.0.1:${stack.port}` } : { CALL_API_DIRECT: `${host}:${port}` };
  return { ...to, CALL_API_DOMAIN: DOMAIN };
}

const call = (way: Way, place: Place, ...args: string[]): Promise<Ran> => run(args, envOf(way), place);

/** Objects that `--json` printed, one a line. */
function objects(out: string): Record<string, unknown>[] {
  return out
    .split(/\r?\n/)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The Call-ID of a call that is made by the simulator itself, so that each way finds it. */
function dialled(from: string, to: string): Promise<string> {
  return stack.simulator.dial({ from, to });
}

const standing = (callid: string) => (stack.simulator.ledger.dialog(callid)?.state ?? 5) < 5;

it.each(both)('start, by %s in a %s: each step is shown, and the call stands', async (way, place) => {
  const { exit, out } = await call(way, place, 'start', 'keep.a', 'keep.b');
  expect(out).toContain(`sip:keep.a@${DOMAIN} is ringing`);
  expect(out).toContain(`sip:keep.a@${DOMAIN} has answered`);
  const [, callid = ''] = /the call is ([0-9a-f]+)/.exec(out) ?? [];
  expect(standing(callid)).toBe(true);
  // On a terminal with the time, in a pipe without.
  expect(/^ +\d+\.\d s {2}/m.test(out)).toBe(place === 'terminal');
  expect(exit).toBe(0);
});

it.each(both)('start --json, by %s in a %s: one object a line', async (way, place) => {
  const { exit, out } = await call(way, place, 'start', 'keep.a', 'keep.b', '--json');
  const told = objects(out);
  expect(told.map(({ event }) => event)).toEqual([
    'Started',
    'CallerRinging',
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'CalleeAnswered',
    'Ended',
  ]);
  expect(exit).toBe(0);
});

it.each(both)('start that fails, by %s in a %s: 1, and what to do', async (way, place) => {
  const { exit, out, err } = await call(way, place, 'start', 'busy', 'bob');
  expect(out + err).toContain('486 Busy Here: see whether');
  expect(exit).toBe(1);
});

it.each(both)('Ctrl-C while it rings, by %s in a %s: the call is ended, 130', async (way, place) => {
  const user = `ring.${way}-${place}`;
  const running = start(['start', user, 'bob'], envOf(way), place);
  await running.says('is ringing');
  running.interrupt();
  const { exit, out, err } = await running.ended;
  expect(out + err).toContain('The call is ended');
  expect(exit).toBe(130);
  const legs = stack.simulator.ledger.dialogs.filter(({ from }) => from.includes(user));
  expect(legs.map(({ state }) => state)).toEqual([5]);
});

it.each(both)('hold, unhold, by %s in a %s', async (way, place) => {
  const callid = await dialled('keep.a', 'keep.b');
  const hold = await call(way, place, 'hold', callid);
  expect(hold.out).toContain('the caller is on hold');
  expect(hold.out).toContain('the callee is on hold');
  const again = await call(way, place, 'hold', callid);
  expect(again.out + again.err).toContain('480 Both dialog legs are on hold');
  const unhold = await call(way, place, 'unhold', callid);
  expect(unhold.out).toContain('the caller is no longer on hold');
  // One leg alone needs a newer OpenSIPS than this, and is refused before anything is sent.
  const leg = await call(way, place, 'hold', callid, '--leg', 'caller');
  expect(leg.out + leg.err).toContain('4.0 or newer');
  expect([hold.exit, again.exit, unhold.exit, leg.exit]).toEqual([0, 1, 0, 2]);
});

it.each(both)('transfer, attended, by %s in a %s', async (way, place) => {
  const blind = await call(
    way,
    place,
    'transfer',
    await dialled('keep.a', 'keep.b'),
    'keep.c',
    '--leg',
    'callee',
  );
  expect(blind.out).toMatch(/has answered: the call is [0-9a-f]+/);
  const [a, b] = [await dialled('keep.a', 'keep.b'), await dialled('keep.c', 'keep.d')];
  const attended = await call(way, place, 'attended', a, b);
  expect(attended.out).toMatch(/has answered: the call is [0-9a-f]+/);
  expect([blind.exit, attended.exit]).toEqual([0, 0]);
});

it.each(both)('end, by %s in a %s', async (way, place) => {
  const callid = await dialled('keep.a', 'keep.b');
  const end = await call(way, place, 'end', callid);
  expect(end.out).toContain('done');
  expect(standing(callid)).toBe(false);
  const again = await call(way, place, 'end', callid);
  expect(again.out + again.err).toContain('404 Requested Dialog not found');
  expect([end.exit, again.exit]).toEqual([0, 1]);
});

it.each(both)('echo, by %s in a %s', async (way, place) => {
  const words = await call(way, place, 'echo', 'hello', 'there');
  expect(words.out).toContain('hello there');
  const json = await call(way, place, 'echo', '{"a":[1]}', '--json');
  expect(objects(json.out)).toContainEqual(expect.objectContaining({ event: 'Reply', data: { a: [1] } }));
  expect([words.exit, json.exit]).toEqual([0, 0]);
});

it.each(both)('list, get, by %s in a %s', async (way, place) => {
  const callid = await dialled('keep.list', 'keep.b');
  // The edge hears of it by its event, which may be under way.
  await until(async () => (await call(way, 'pipe', 'list')).out.includes(callid));
  const list = await call(way, place, 'list');
  expect(list.out).toMatch(/^callid +state +caller +callee +for/m);
  const json = await call(way, place, 'list', '--json');
  expect(objects(json.out)).toContainEqual(expect.objectContaining({ callid, state: 'answered' }));
  const get = await call(way, place, 'get', callid);
  expect(get.out).toMatch(new RegExp(`^callid +${callid}`, 'm'));
  const unknown = await call(way, place, 'get', 'nobody-knows-it');
  expect(unknown.out + unknown.err).toContain('call-api list');
  expect([list.exit, json.exit, get.exit, unknown.exit]).toEqual([0, 0, 0, 1]);
});

it.each(both)('watch, by %s in a %s: what stands, each change, until Ctrl-C', async (way, place) => {
  const before = await dialled('keep.before', 'keep.b');
  const watch = start(['watch'], envOf(way), place);
  await watch.says(before);
  const callid = await dialled('keep.watched', 'keep.b');
  await until(() =>
    new RegExp(`\\d\\d:\\d\\d:\\d\\d {2}Answered +${callid} {2}sip:keep.watched`).test(watch.said()),
  );
  stack.simulator.hangUp(callid);
  await until(() => new RegExp(`Ended +${callid}`).test(watch.said()));
  watch.interrupt();
  expect((await watch.ended).exit).toBe(130);
});

it.each(both)('watch --json, by %s in a %s: one object a line', async (way, place) => {
  const before = await dialled('keep.before', 'keep.b');
  const watch = start(['watch', '--json'], envOf(way), place);
  await watch.says(before);
  const callid = await dialled('keep.watched', 'keep.b');
  await until(() =>
    objects(watch.said().replace(/[^\n]*$/, '')).some(
      ({ event, call }) => event === 'Answered' && (call as { callid?: string }).callid === callid,
    ),
  );
  watch.interrupt();
  expect((await watch.ended).exit).toBe(130);
});

it.each(both)('rpc, by %s in a %s: raw messages until it has ended', async (way, place) => {
  const params = { caller: `sip:keep.a@${DOMAIN}`, callee: `sip:keep.b@${DOMAIN}` };
  const { exit, out } = await call(way, place, 'rpc', 'CallStart', JSON.stringify(params));
  const lines = out.split(/\r?\n/).filter((line) => /^[→←]/.test(line));
  expect(lines[0]).toBe(`→ ${JSON.stringify({ jsonrpc: '2.0', id: '1', method: 'CallStart', params })}`);
  const came = lines.slice(1).map((line) => JSON.parse(line.slice(2)) as { params?: { event: string } });
  expect(came[0]).toMatchObject({ jsonrpc: '2.0', id: '1', result: { event: 'Started' } });
  expect(came.at(-1)).toMatchObject({ jsonrpc: '2.0', method: 'CallStart', params: { event: 'Ended' } });
  const refused = await call(way, place, 'rpc', 'CallDance', '{}');
  expect(refused.out).toContain('-32601');
  const broken = await call(way, place, 'rpc', 'CallStart', '{');
  expect([exit, refused.exit, broken.exit]).toEqual([0, 2, 2]);
});

it.each(PLACES)('rpc without an edge, interrupted in a %s: the phone does not ring on', async (place) => {
  const caller = `sip:ring.rpc-${place}@${DOMAIN}`;
  const params = JSON.stringify({ caller, callee: `sip:bob@${DOMAIN}` });
  const rpc = start(['rpc', 'CallStart', params], envOf('direct'), place);
  await rpc.says('CallerRinging');
  rpc.interrupt();
  expect((await rpc.ended).exit).toBe(130);
  const legs = stack.simulator.ledger.dialogs.filter(({ from }) => from.includes(caller));
  expect(legs.map(({ state }) => state)).toEqual([5]);
});

it.each(PLACES)('token and admin, in a %s', async (place) => {
  await using all = await Tenants.start({ tenants: 1, sites: 1, bare: ['t1-s1'] });
  const { siteKey } = all.at('t1-s1');
  const env = { CALL_API: `http://127.0.0.1:${all.port}`, CALL_API_TOKEN: siteKey };
  const minted = await run(
    ['token', 'alice', '--caller', 'sip:alice@example.com', '--scope', 'CallStart'],
    env,
    place,
  );
  const [token = ''] = /eyJ[\w.-]+/.exec(minted.out) ?? [];
  const me = await all.get('/v1/me', token);
  expect(await me.json()).toMatchObject({
    subject: 'alice',
    scopes: ['CallStart'],
    caller: 'sip:alice@example.com',
  });
  // In a pipe the token stands alone.
  if (place === 'pipe') expect(minted.out).toBe(`${token}\n`);
  const held = await run(['hold', 'some-call'], { ...env, CALL_API_TOKEN: token }, place);
  expect(held.out + held.err).toContain('scope CallHold is missing');
  const nobody = await run(['list'], { ...env, CALL_API_TOKEN: 'ca.made.up' }, place);
  const unlinked = await run(['end', 'some-call'], env, place);
  expect(unlinked.out + unlinked.err).toContain('start the adapter');
  const direct = await run(['token', 'alice', '--direct', '127.0.0.1:9'], env, place);
  expect(direct.out + direct.err).toContain('leave --direct');

  const admin = { EDGE_URL: env.CALL_API, ADMIN_SECRET };
  const list = await run(['admin', 'key', 'list', 't1'], admin, place);
  expect(list.out).toContain(idOf(siteKey));
  const refused = await run(['admin', 'tenant', 'show', 'nobody'], admin, place);
  const exits = [minted, held, nobody, unlinked, direct, list, refused].map(({ exit }) => exit);
  expect(exits).toEqual([0, 4, 4, 3, 2, 0, 1]);
});

it.each(both)('what is not reached, by %s in a %s: 3, and what to check', async (way, place) => {
  const nobody = `127.0.0.1:${await freePort()}`;
  const to = way === 'edge' ? { CALL_API: `ws://${nobody}` } : { CALL_API_DIRECT: nobody };
  const { exit, out, err } = await run(['list'], to, place);
  expect(out + err).toContain(way === 'edge' ? 'check --url' : 'mi_datagram');
  expect(exit).toBe(3);
});

it.each(PLACES)('wrong usage in a %s: 2, and where to read on', async (place) => {
  const unknown = await run(['dance'], {}, place);
  const flag = await run(['list', '--colour'], {}, place);
  const missing = await run(['start', 'alice'], {}, place);
  const domain = await run(['start', 'alice', 'bob'], {}, place);
  expect(domain.out + domain.err).toContain('--domain');
  for (const { out, err } of [unknown, flag, missing]) expect(out + err).toContain('--help');
  expect([unknown, flag, missing, domain].map(({ exit }) => exit)).toEqual([2, 2, 2, 2]);
});

it.each(PLACES)('help, version and completion in a %s: 0', async (place) => {
  const help = await run(['--help'], {}, place);
  expect(help.out).toContain('130');
  const version = await run(['--version'], {}, place);
  expect(version.out).toMatch(/^\d+\.\d+\.\d+/);
  const completion = await run(['completion', 'bash'], {}, place);
  expect(completion.out).toContain('complete -F');
  expect([help.exit, version.exit, completion.exit]).toEqual([0, 0, 0]);
});

it('settings come from flags, then variables, then the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const config = join(folder, 'config.json');
  const nobody = `ws://127.0.0.1:${await freePort()}`;
  const edge = `ws://127.0.0.1:${stack.port}`;
  await writeFile(config, JSON.stringify({ url: edge }));
  const file = await run(['echo', 'x', '--config', config]);
  const variable = await run(['echo', 'x', '--config', config], { CALL_API: nobody });
  const flag = await run(['echo', 'x', '--config', config, '--url', edge], { CALL_API: nobody });
  expect([file.exit, variable.exit, flag.exit]).toEqual([0, 3, 0]);
  await rm(folder, { recursive: true });
});
