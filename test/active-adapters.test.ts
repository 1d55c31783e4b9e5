/** Two adapters serve one site at the same time, each beside an OpenSIPS of its own, or both beside one. */
import { expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../simulator/index.ts';
import { type Client, callidOf, eventNames, phoneUri } from './harness/client.ts';
import { COMPLETE, RingingCalls } from './harness/ringing-calls.ts';
import { type AdapterProcess, type Stack, startStack, waitUntil } from './harness/stack.ts';

const CALLS = 100;
const CONNECTED = 'Connected to the edge.';

/** An OpenSIPS and its adapter. */
interface Node {
  readonly name: string;
  readonly simulator: Simulator;
  adapter: AdapterProcess;
}

interface Call {
  readonly callid: string;
  readonly state: string;
  readonly adapter?: string;
}

class TwoNodes implements AsyncDisposable {
  readonly stack: Stack;
  readonly client: Client;
  readonly one: Node;
  readonly two: Node;

  private constructor(stack: Stack, client: Client, one: Node, two: Node) {
    this.stack = stack;
    this.client = client;
    this.one = one;
    this.two = two;
  }

  /** @param prepare is called with each OpenSIPS before its adapter starts */
  static async start(setting: 'active' | 'replicated', prepare = (_: Simulator) => {}): Promise<TwoNodes> {
    const stack = await startStack({ startsAdapter: false, secrets: { ADAPTERS: setting } });
    const other = setting === 'active' ? await startSimulator({ scriptEvents: true }) : stack.simulator;
    for (const simulator of new Set([stack.simulator, other])) prepare(simulator);
    const one = await startNode(stack, 'one', stack.simulator);
    const two = await startNode(stack, 'two', other);
    return new TwoNodes(stack, await stack.connectClient(), one, two);
  }

  get simulators(): readonly Simulator[] {
    return [...new Set([this.one.simulator, this.two.simulator])];
  }

  async restartAdapter(node: Node): Promise<void> {
    node.adapter = (await startNode(this.stack, node.name, node.simulator)).adapter;
  }

  /** Returns the adapters with their roles. */
  async roles(): Promise<string[]> {
    const { adapters = [] } = (await this.stack.fetchHealth()).link;
    return adapters.map((each) => `${each.adapter} ${'role' in each ? String(each.role) : ''}`).sort();
  }

  /** Returns the calls that are not ended. */
  async activeCalls(): Promise<readonly Call[]> {
    const { result } = await this.client.request('CallList', { state: ['ringing', 'answered'] });
    return (result as unknown as { readonly calls: readonly Call[] }).calls;
  }

  async adapterOf(callid: string): Promise<string | undefined> {
    return (await this.activeCalls()).find((call) => call.callid === callid)?.adapter;
  }

  /** Checks that no request came twice, to whichever OpenSIPS, and that no first leg is left. */
  async expectEachOnce(invites: number): Promise<void> {
    await expect.poll(async () => (await this.stack.fetchHealth()).running).toBe(0);
    const requests = this.simulators.flatMap(({ ledger }) => ledger.requests);
    const invited = requests.filter(({ method }) => method === 't_uac_dlg');
    expect(invited).toHaveLength(invites);
    expect(new Set(requests.map(({ id }) => id)).size).toBe(requests.length);
    const firstLegs = this.simulators
      .flatMap(({ ledger }) => ledger.dialogs)
      .filter(({ transferredFrom }) => transferredFrom === undefined);
    expect(firstLegs.filter(({ state }) => state < 5).map(({ callid }) => callid)).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack[Symbol.asyncDispose]();
    if (this.two.simulator !== this.one.simulator) await this.two.simulator.close();
  }
}

async function startNode(stack: Stack, name: string, simulator: Simulator): Promise<Node> {
  const { host, port } = simulator.mi;
  const adapter = await stack.startAdapter({ ADAPTER_NAME: name, OPENSIPS_MI: `${host}:${port}` });
  await waitUntil(() => adapter.log().includes(CONNECTED));
  return { name, simulator, adapter };
}

const invites = ({ simulator }: Node) =>
  simulator.ledger.requests.filter(({ method }) => method === 't_uac_dlg').length;

it(`shares ${CALLS} ringing calls, and completes all although one adapter is killed and starts again`, {
  timeout: 120_000,
}, async () => {
  await using nodes = await TwoNodes.start('active');
  const { client, one, two } = nodes;
  const calls = await RingingCalls.start(client, nodes.simulators, CALLS);
  expect([invites(one), invites(two)]).toEqual([CALLS / 2, CALLS / 2]);
  await one.adapter.stop('SIGKILL');
  await expect.poll(() => nodes.roles()).toEqual(['one lost', 'two active']);
  // Half of the phones of each OpenSIPS answer while one adapter is lost.
  calls.answer((n) => n % 4 < 2);
  await nodes.restartAdapter(one);
  calls.answer();
  for (const run of calls.runs) expect(eventNames(await run.ended).join(' ')).toMatch(COMPLETE);
  await nodes.expectEachOnce(CALLS);
});

it('ends the commands of a lost adapter by their deadline, and those of the other one go on', {
  timeout: 120_000,
}, async () => {
  await using nodes = await TwoNodes.start('active');
  const { client, one, two } = nodes;
  const calls = await RingingCalls.start(client, nodes.simulators, 20, { timeout: 15 });
  await one.adapter.stop('SIGKILL');
  calls.answer();
  const ends = await Promise.all(calls.runs.map(({ ended }) => ended));
  const completed = ends.filter((notifications) => COMPLETE.test(eventNames(notifications).join(' ')));
  const codes = ends.flatMap((all) => all.flatMap(({ error }) => (error ? [error.code] : [])));
  expect(completed).toHaveLength(invites(two));
  expect(codes).toEqual(Array.from({ length: invites(one) }, () => -32012));
  // New calls go to the one that is there.
  const params = { caller: phoneUri('alice'), callee: phoneUri('bob') };
  for (let n = 0; n < 4; n++)
    expect(eventNames(await client.runToEnd('CallStart', params))).toContain('CalleeAnswered');
  expect([invites(one), invites(two)]).toEqual([10, 14]);
  // What is left of the others is ended when their adapter is back.
  await nodes.restartAdapter(one);
  await nodes.expectEachOnce(24);
});

it('runs commands where their call is, refuses those for calls apart, and says which adapter is lost', {
  timeout: 60_000,
}, async () => {
  await using nodes = await TwoNodes.start('active');
  const { client, one, two } = nodes;
  const start = async (n: number) => {
    const params = { caller: phoneUri(`keep.${n}`), callee: phoneUri(`keep.${n + 10}`) };
    return callidOf(await client.runToEnd('CallStart', params), 'CalleeAnswered');
  };
  // Both run none when the next one starts: the oldest connection is first.
  const atOne = await start(0);
  const atTwo = await two.simulator.dial({ from: 'keep.1', to: 'keep.11' });
  await expect.poll(() => nodes.adapterOf(atTwo)).toBe('two');
  expect(await nodes.adapterOf(atOne)).toBe('one');
  for (const callid of [atOne, atTwo])
    for (const method of ['CallHold', 'CallUnhold'])
      expect(eventNames(await client.runToEnd(method, { callid }))).not.toContain('Error');
  const apart = { callidA: atOne, legA: 'callee', callidB: atTwo, legB: 'callee' };
  expect(await client.request('CallAttendedTransfer', apart)).toMatchObject({
    error: {
      code: -32602,
      data: expect.stringMatching(/^callidB: .* adapter "two", and callidA is at that of "one"/),
    },
  });
  await two.adapter.stop('SIGKILL');
  await expect
    .poll(() => client.request('CallEnd', { callid: atTwo }))
    .toMatchObject({
      error: { code: -32001, data: expect.stringContaining('the adapter "two", which was lost') },
    });
  expect(eventNames(await client.runToEnd('CallEnd', { callid: atOne }))).toEqual(['Ended']);
  await nodes.restartAdapter(two);
  expect(eventNames(await client.runToEnd('CallEnd', { callid: atTwo }))).toEqual(['Ended']);
  await expect.poll(() => nodes.activeCalls()).toEqual([]);
  expect(invites(one)).toBe(1);
});

it('finds calls at both OpenSIPS whose events are lost, and their ends', { timeout: 90_000 }, async () => {
  // Without subscriptions OpenSIPS raises no event.
  await using nodes = await TwoNodes.start('active', (simulator) => simulator.silence('event_subscribe'));
  const { client, one, two } = nodes;
  await client.request('CallWatch', {});
  const callids = await Promise.all(
    [one, two].map(({ name, simulator }) => simulator.dial({ from: `keep.${name}`, to: `keep.to-${name}` })),
  );
  const seen = async () => (await nodes.activeCalls()).map(({ callid, adapter }) => [callid, adapter]).sort();
  const expected = [
    [callids[0], 'one'],
    [callids[1], 'two'],
  ].sort();
  await expect.poll(seen, { timeout: 40_000 }).toEqual(expected);
  one.simulator.hangUp(callids[0] ?? '');
  await expect.poll(seen, { timeout: 40_000 }).toEqual([[callids[1], 'two']]);
  two.simulator.hangUp(callids[1] ?? '');
  await expect.poll(seen, { timeout: 40_000 }).toEqual([]);
});

it(`with replicated dialogs, completes ${CALLS} ringing calls by the other adapter when one is killed`, {
  timeout: 120_000,
}, async () => {
  await using nodes = await TwoNodes.start('replicated');
  const { client, one } = nodes;
  const calls = await RingingCalls.start(client, nodes.simulators, CALLS);
  await one.adapter.stop('SIGKILL');
  await expect.poll(() => nodes.roles()).toEqual(['one lost', 'two active']);
  calls.answer();
  for (const run of calls.runs) expect(eventNames(await run.ended).join(' ')).toMatch(COMPLETE);
  await nodes.expectEachOnce(CALLS);
  const active = await nodes.activeCalls();
  expect(active).toHaveLength(CALLS);
  expect([...new Set(active.map(({ adapter }) => adapter))]).toEqual(['two']);
});
