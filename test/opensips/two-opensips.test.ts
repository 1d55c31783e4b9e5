/** Two real OpenSIPS, each with its adapter, serve one site, and one of them is killed with its adapter. */
import { describe, expect, it } from 'vitest';
import { type Client, callidOf, eventNames } from '../harness/client.ts';
import { type AdapterProcess, type Stack, startStack, waitUntil } from '../harness/stack.ts';
import { eventually } from './assertions.ts';
import { findOpenSips, formatAddress, type OpenSips, startOpenSips } from './opensips.ts';
import { Phone } from './phone.ts';

const CALLS = 500;
/** CallStarts at the same time. */
const CONCURRENCY = 20;
/** Users, of whom the first half calls the second one. */
const USERS = 20;
/** Calls that are also held. */
const HELD = 20;

interface Node {
  readonly name: string;
  readonly opensips: OpenSips;
  /** One for each user: a user has a phone at each OpenSIPS, so that any of them can call him. */
  readonly phones: readonly Phone[];
  readonly adapter: AdapterProcess;
}

interface Call {
  readonly callid: string;
  readonly state: string;
  readonly adapter: string;
}

async function startNode(stack: Stack, resources: AsyncDisposableStack, name: string): Promise<Node> {
  const opensips = resources.use(await startOpenSips());
  const phones: Phone[] = [];
  for (let n = 0; n < USERS; n++)
    phones.push(
      resources.use(await Phone.open({ user: `keep.${n}`, behavior: 'keep', registrar: opensips.sip })),
    );
  return { name, opensips, phones, adapter: await startAdapter(stack, name, opensips) };
}

async function startAdapter(stack: Stack, name: string, { mi, nextHop }: OpenSips): Promise<AdapterProcess> {
  const adapter = await stack.startAdapter({
    ADAPTER_NAME: name,
    OPENSIPS_MI: formatAddress(mi),
    SIP_NEXT_HOP: nextHop,
  });
  await waitUntil(() => adapter.log().includes('Connected to the edge.'));
  return adapter;
}

/** Runs a task for each item, some at a time. */
async function forEach<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

/** Returns all calls in a state. */
async function list(client: Client, state: string): Promise<readonly Call[]> {
  const calls: Call[] = [];
  let cursor: string | undefined;
  do {
    const { result } = await client.request('CallList', { state: [state], limit: CALLS, cursor });
    const page = result as unknown as { readonly calls: readonly Call[]; readonly cursor?: string };
    calls.push(...page.calls);
    ({ cursor } = page);
  } while (cursor !== undefined);
  return calls;
}

describe.skipIf(!findOpenSips())('two real OpenSIPS (needs the command opensips on the PATH)', () => {
  it(`leaves the calls of the other one alone when one is killed in ${CALLS} calls`, {
    timeout: 300_000,
  }, async () => {
    await using resources = new AsyncDisposableStack();
    const stack = resources.use(await startStack({ startsAdapter: false, secrets: { ADAPTERS: 'active' } }));
    const one = await startNode(stack, resources, 'one');
    const two = await startNode(stack, resources, 'two');
    const client = await stack.connectClient();
    const uriOf = (user: number) => one.phones[user]?.uri ?? '';

    await forEach([...Array(CALLS).keys()], async (n) => {
      const caller = uriOf(n % (USERS / 2));
      const callee = uriOf((n % (USERS / 2)) + USERS / 2);
      callidOf(await client.runToEnd('CallStart', { caller, callee }), 'CalleeAnswered');
    });
    const calls = await list(client, 'answered');
    const callidsOf = (node: Node) =>
      calls.filter(({ adapter }) => adapter === node.name).map(({ callid }) => callid);
    const [own, lost] = [callidsOf(one), callidsOf(two)];
    expect(own.length + lost.length).toBe(CALLS);
    expect(Math.min(own.length, lost.length)).toBeGreaterThan(CALLS / 3);
    const answeredAt = ({ phones }: Node) => phones.flatMap((phone) => phone.answeredCalls).sort();
    const twice = (callids: readonly string[]) => [...callids, ...callids].sort();
    await eventually(() => expect(answeredAt(one)).toEqual(twice(own)));
    expect(answeredAt(two)).toEqual(twice(lost));

    await Promise.all([two.opensips.kill(), two.adapter.stop('SIGKILL')]);
    // Nobody knows what has become of its calls.
    expect((await list(client, 'answered')).map(({ callid }) => callid).sort()).toEqual(
      calls.map(({ callid }) => callid).sort(),
    );
    expect(await client.request('CallEnd', { callid: lost[0] })).toMatchObject({
      error: { code: -32001, data: expect.stringContaining('the adapter "two", which was lost') },
    });

    await forEach(own.slice(0, HELD), async (callid) => {
      expect(eventNames(await client.runToEnd('CallHold', { callid }))).not.toContain('Error');
      expect(one.phones.filter((phone) => phone.isHeld(callid))).toHaveLength(2);
    });
    expect(answeredAt(one)).toEqual(twice(own));
    await forEach(own, async (callid) => {
      expect(eventNames(await client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
    });
    await eventually(() => expect(one.phones.filter(({ isIdle }) => !isIdle)).toEqual([]));
    one.opensips.assertAlive();

    // It has lost its dialogs, and its calls are over.
    await two.opensips.restart();
    await startAdapter(stack, 'two', two.opensips);
    await client.request('CallWatch', {});
    await expect.poll(() => list(client, 'answered'), { timeout: 60_000 }).toEqual([]);
    const ended = (await list(client, 'ended')).map(({ callid }) => callid);
    expect(lost.filter((callid) => !ended.includes(callid))).toEqual([]);
  });
});
