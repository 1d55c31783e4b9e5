/** What both routes to OpenSIPS must do alike: through the edge and directly. Each test runs on both. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import type { Call } from '../../shared/calls/call.ts';
import { type Stack, type StackOptions, startStack, waitUntil } from '../harness/stack.ts';
import { type RunningProcess, run, start } from './run.ts';

const DOMAIN = '127.0.0.1:5060';
const ROUTES = ['edge', 'direct'] as const;

/** Starts a stack, and returns the variables for a route. */
async function stackFor(route: (typeof ROUTES)[number], options: StackOptions = {}) {
  const stack = await startStack({ startsAdapter: route === 'edge', ...options });
  const { host, port } = stack.simulator.mi;
  const env: Record<string, string> =
    route === 'edge' ? { CALL_API: `ws://127.0.0.1:${stack.port}` } : { CALL_API_DIRECT: `${host}:${port}` };
  return { stack, env, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

const hasListed = ({ simulator }: Stack) =>
  simulator.ledger.requests.filter(({ method }) => method === 'dlg_list').length > 0;

/** What `watch --json` has printed. */
interface Change {
  readonly event: string;
  readonly call: Call;
}

function changesOf(watch: RunningProcess): Change[] {
  const complete = watch.output().replace(/[^\n]*$/, '');
  return complete
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Change);
}

const eventsOf = (watch: RunningProcess, callid: string) =>
  changesOf(watch).flatMap(({ event, call }) => (call?.callid === callid ? [event] : []));

it.each(ROUTES)('list (%s) takes every filter', async (route) => {
  await using at = await stackFor(route);
  const { stack, env } = at;
  const dial = (from: string, to: string) => stack.simulator.dial({ from, to });
  const [first, second] = [await dial('keep.a', 'keep.b'), await dial('keep.c', 'keep.d')];
  stack.simulator.dial({ from: 'keep.e', to: 'ring.f' }).catch(() => {});
  const list = async (...args: string[]) => {
    const { exit, out } = await run(['list', '--json', ...args], env);
    expect(exit).toBe(0);
    return out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Call);
  };
  await waitUntil(async () => (await list()).length === 3);
  const callids = async (...args: string[]) => (await list(...args)).map(({ callid }) => callid).sort();
  expect(await callids('--state', 'answered')).toEqual([first, second].sort());
  expect((await list('--state', 'ringing')).map(({ callee }) => callee)).toEqual([`sip:ring.f@${DOMAIN}`]);
  expect(await callids('--address', `keep.d@${DOMAIN}`)).toEqual([second]);
  expect(await callids('--address', `sip:keep.a@${DOMAIN}`)).toEqual([first]);
  expect(await callids('--address', 'keep.a@example.com')).toEqual([]);
  expect(await callids('--state', 'ringing', '--address', `keep.a@${DOMAIN}`)).toEqual([]);
  expect(await list('--limit', '2')).toHaveLength(2);
  const cut = await run(['list', '--limit', '2'], env);
  const [, cursor = ''] = /There may be more calls\. Continue with --cursor (\d+)/.exec(cut.err) ?? [];
  const [page, rest] = [await list('--limit', '2'), await list('--limit', '2', '--cursor', cursor)];
  expect([...page, ...rest].map(({ callid }) => callid).sort()).toEqual(await callids());
  const wrong = await run(['list', '--address', 'no address'], env);
  expect([wrong.exit, wrong.err.includes('"no address"')]).toEqual([2, true]);

  // A state counts with --all, too. What a route cannot list is not taken for none.
  stack.simulator.hangUp(first);
  await waitUntil(async () => (await list()).length === 2);
  const all = await run(['list', '--all', '--json'], env);
  const allAnswered = await run(['list', '--all', '--state', 'answered', '--json'], env);
  const ended = await run(['list', '--state', 'ended', '--json'], env);
  const held = await run(['list', '--state', 'held', '--json'], env);
  expect(allAnswered.out.trim().split('\n')).toHaveLength(1);
  expect(allAnswered.out).toContain(second);
  if (route === 'edge') {
    expect([all, ended].every(({ out }) => out.includes(first))).toBe(true);
    expect([all, ended, held].map(({ exit }) => exit)).toEqual([0, 0, 0]);
  } else {
    for (const { out, err, exit } of [all, ended, held]) {
      expect([out, exit]).toEqual(['', 2]);
      expect(err).toMatch(
        /^OpenSIPS does not list which calls are .*(held|ended): --(all|state) needs an edge/,
      );
    }
  }
});

it.each(ROUTES)('watch (%s) misses nothing that happens while the calls are read', async (route) => {
  await using at = await stackFor(route, { replyDelayMs: 100 });
  const { stack, env } = at;
  const dial = (from: string, to: string) => stack.simulator.dial({ from, to });
  const before: string[] = [];
  // Some pages of the list.
  for (let n = 0; n < 40; n += 1) before.push(await dial(`keep.${n}`, 'keep.b'));
  // OpenSIPS lists one of them on its first page, and the other on its last.
  const ended = [before.shift() ?? '', before.pop() ?? ''];
  const watch = start(['watch', '--json'], env);
  if (route === 'direct') await waitUntil(() => hasListed(stack));
  for (const callid of ended) stack.simulator.hangUp(callid);
  const begun = await dial('keep.begun', 'keep.b');
  await waitUntil(() => changesOf(watch).length >= before.length);
  const last = await dial('keep.last', 'keep.b');
  await waitUntil(() => eventsOf(watch, last).includes('Answered'));
  expect(eventsOf(watch, begun)).not.toEqual([]);
  for (const callid of ended) expect(eventsOf(watch, callid)).not.toEqual(['Standing']);
  for (const callid of before) expect(eventsOf(watch, callid)).toEqual(['Standing']);
  watch.interrupt();
  await watch.exited;
});

it.each(ROUTES)('watch (%s) tells the changes of a call in order', async (route) => {
  await using at = await stackFor(route, { replyDelayMs: 100 });
  const { stack, env } = at;
  const known = await stack.simulator.dial({ from: 'keep.known', to: 'keep.b' });
  const watch = start(['watch', '--json'], env);
  await watch.waitForOutput(known);
  // It ends before OpenSIPS could be asked who its parties are.
  const callid = await stack.simulator.dial({ from: 'keep.a', to: 'keep.b' });
  stack.simulator.hangUp(callid);
  await waitUntil(() => ['Ringing', 'Ended'].every((event) => eventsOf(watch, callid).includes(event)));
  const events = eventsOf(watch, callid);
  expect(events[0]).toBe('Ringing');
  expect(events.indexOf('Ended')).toBeGreaterThan(events.lastIndexOf('Answered'));
  watch.interrupt();
  await watch.exited;
});

it.each(ROUTES)('watch (%s) learns what happened while events were lost', async (route) => {
  await using at = await stackFor(route);
  const { stack, env } = at;
  const dial = (from: string, to: string) => stack.simulator.dial({ from, to });
  const [ended, lasting] = [await dial('keep.a', 'keep.b'), await dial('keep.c', 'keep.d')];
  const watch = start(['watch', '--json'], env);
  await waitUntil(() => changesOf(watch).length >= 2);
  // OpenSIPS forgets who has subscribed, so nobody hears of these.
  stack.simulator.restart({ keepDialogs: true });
  stack.simulator.hangUp(ended);
  const begun = await dial('keep.e', 'keep.f');
  await waitUntil(() => eventsOf(watch, ended).includes('Ended') && eventsOf(watch, begun).length > 0);
  expect(eventsOf(watch, begun)).toContain('Answered');
  expect(eventsOf(watch, lasting)).toEqual(['Standing']);
  watch.interrupt();
  await watch.exited;
});

it('watch without an edge does not stay where no event can arrive', async () => {
  await using at = await stackFor('direct');
  const squatter = createSocket('udp4').bind(0, '127.0.0.1');
  await once(squatter, 'listening');
  const events = `127.0.0.1:${squatter.address().port}`;
  const { exit, err } = await run(['watch', '--events', events], at.env);
  squatter.close();
  expect(err).toContain('Cannot listen for events: another program uses the port. Check that --events');
  expect(exit).toBe(3);
});
