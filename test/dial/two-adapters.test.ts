/** A site with two OpenSIPS, each with an adapter that the edge dials: the second one takes over when the first one is lost. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { eventNames, phoneUri } from '../harness/client.ts';
import { type AdapterProcess, findFreePort, spawnAdapter, waitUntil } from '../harness/stack.ts';
import { DialStack } from './harness.ts';

const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };
const TOOK_OVER = 'This adapter serves the site from now on';

interface Node {
  readonly name: string;
  readonly simulator: Simulator;
  readonly port: number;
  adapter: AdapterProcess;
}

class TwoNodes implements AsyncDisposable {
  readonly dialed: DialStack;
  readonly first: Node;
  readonly second: Node;
  readonly #stopped = new Set<Node>();

  private constructor(dialed: DialStack, first: Node, second: Node) {
    this.dialed = dialed;
    this.first = first;
    this.second = second;
  }

  static async start(): Promise<TwoNodes> {
    const dialed = await DialStack.start();
    const startNode = async (name: string) => {
      const simulator = await startSimulator({ scriptEvents: true });
      const port = await findFreePort();
      return { name, simulator, port, adapter: await startListening(dialed, name, simulator, port) };
    };
    const [first, second] = [await startNode('sbc1'), await startNode('sbc2')];
    await dialed.setLink({ mode: 'dial', url: urlOf(first), more_urls: [urlOf(second)], idle_s: 10 });
    return new TwoNodes(dialed, first, second);
  }

  async stopOpenSips(node: Node): Promise<void> {
    if (!this.#stopped.has(node)) await node.simulator.close();
    this.#stopped.add(node);
  }

  /** Returns the adapters that are connected, and what they do. */
  async roles(): Promise<string[]> {
    const { adapters = [] } = await this.dialed.link();
    return adapters.map(({ adapter, role }) => `${adapter} ${role}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of [this.first, this.second]) {
      await node.adapter.stop('SIGKILL');
      await this.stopOpenSips(node);
    }
    await this.dialed[Symbol.asyncDispose]();
  }
}

const urlOf = ({ port }: { readonly port: number }) => `http://127.0.0.1:${port}/adapter`;

async function startListening(
  { site, stack }: DialStack,
  name: string,
  { mi }: Simulator,
  port: number,
): Promise<AdapterProcess> {
  const adapter = spawnAdapter({
    OPENSIPS_MI: `${mi.host}:${mi.port}`,
    EDGE_URL: `ws://127.0.0.1:${stack.port}/adapter`,
    ADAPTER_KEY: site.adapterKey,
    ADAPTER_NAME: name,
    ADAPTER_LISTEN: `127.0.0.1:${port}`,
    ADAPTER_PUBLIC_URL: urlOf({ port }),
    SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
  });
  await waitUntil(() => adapter.log().includes('Listening for the edge'));
  return adapter;
}

const invites = ({ simulator }: Node) =>
  simulator.ledger.requests.filter(({ method }) => method === 't_uac_dlg').length;

it('runs commands by the second adapter when the first one is killed, refuses connections, or does not answer', {
  timeout: 90_000,
}, async ({ annotate }) => {
  await using nodes = await TwoNodes.start();
  const { dialed, first, second } = nodes;
  const client = await dialed.connectClient();
  await client.request('CallWatch', {});
  await expect.poll(() => nodes.roles()).toEqual(['sbc1 active', 'sbc2 standby']);
  await client.runToEnd('CallStart', parties);
  expect([invites(first), invites(second)]).toEqual([1, 0]);

  const killedAt = Date.now();
  await first.adapter.stop('SIGKILL');
  await waitUntil(() => second.adapter.log().includes(TOOK_OVER));
  await annotate(`the second adapter took over ${Date.now() - killedAt} ms after the first one was killed`);
  expect(eventNames(await client.runToEnd('CallStart', parties))).toContain('CalleeAnswered');
  expect([invites(first), invites(second)]).toEqual([1, 1]);
  await expect.poll(async () => (await dialed.link()).dial?.failure).toContain(`127.0.0.1:${first.port}: `);

  // The whole edge is new, and the first URL is that of nobody.
  await dialed.stack.restartEdge();
  const again = await dialed.connectClient();
  expect(eventNames(await again.runToEnd('CallStart', parties))).toContain('CalleeAnswered');

  // What answers there accepts connections, and is silent.
  const silent = createServer().listen(first.port, '127.0.0.1');
  await once(silent, 'listening');
  await dialed.stack.restartEdge();
  const third = await dialed.connectClient();
  expect(eventNames(await third.runToEnd('CallStart', parties))).toContain('CalleeAnswered');
  expect([invites(first), invites(second)]).toEqual([1, 3]);
  silent.close();

  // It is dialed again when it is back, and waits.
  first.adapter = await startListening(dialed, first.name, first.simulator, first.port);
  await third.request('CallWatch', {});
  await expect.poll(() => nodes.roles(), { timeout: 45_000 }).toEqual(['sbc2 active', 'sbc1 standby']);
  await expect.poll(async () => (await dialed.link()).dial?.failure).toBeUndefined();
});

it('runs commands by the second adapter when the OpenSIPS of the first one does not answer, and says so', {
  timeout: 60_000,
}, async ({ annotate }) => {
  await using nodes = await TwoNodes.start();
  const { dialed, first, second } = nodes;
  const client = await dialed.connectClient();
  await client.request('CallWatch', {});
  await expect.poll(() => nodes.roles()).toEqual(['sbc1 active', 'sbc2 standby']);
  const links = () =>
    client.frames.flatMap((frame) => (frame.includes('"method":"Link"') ? [JSON.parse(frame)] : []));
  const stoppedAt = Date.now();
  await nodes.stopOpenSips(first);
  // No request, so that only the alarm of the site can notice it.
  await waitUntil(() => second.adapter.log().includes(TOOK_OVER));
  const afterMs = Date.now() - stoppedAt;
  await annotate(`the second adapter took over ${afterMs} ms after the first OpenSIPS had stopped`);
  expect(await nodes.roles()).toEqual(['sbc2 active', 'sbc1 standby']);
  await expect
    .poll(() => links().at(-1)?.params)
    .toMatchObject({
      event: 'Up',
      adapters: [
        { adapter: 'sbc2', role: 'active', reachable: true },
        { adapter: 'sbc1', role: 'standby', reachable: false },
      ],
    });
  await waitUntil(() => first.adapter.log().includes('Another adapter serves the site from now on'));
  expect(eventNames(await client.runToEnd('CallStart', parties))).toContain('CalleeAnswered');
  expect(invites(second)).toBe(1);
});

it('with all adapters active, dials a killed one again, and an idle site has no lost adapter', {
  timeout: 120_000,
}, async () => {
  await using nodes = await TwoNodes.start();
  const { dialed, first, second } = nodes;
  await dialed.stack.adminRequest('PATCH', '/tenants/t1/sites/s1', { adapters: 'active' });
  const watcher = await dialed.connectClient();
  await watcher.request('CallWatch', {});
  const both = ['sbc1 active', 'sbc2 active'];
  const roles = async () => (await nodes.roles()).sort();
  await expect.poll(roles, { timeout: 20_000 }).toEqual(both);

  await second.adapter.stop('SIGKILL');
  await expect.poll(roles).toEqual(['sbc1 active', 'sbc2 lost']);
  second.adapter = await startListening(dialed, second.name, second.simulator, second.port);
  await expect.poll(roles, { timeout: 60_000 }).toEqual(both);

  const callid = await second.simulator.dial({ from: 'keep.1', to: 'keep.2' });
  const client = await dialed.connectClient();
  const adapterOf = async () => {
    const { result } = await client.request('CallGet', { callid });
    return (result as unknown as { readonly call: { readonly adapter: string } } | undefined)?.call.adapter;
  };
  await expect.poll(adapterOf).toBe('sbc2');
  watcher.close();
  await expect.poll(roles, { timeout: 40_000 }).toEqual([]);
  // The call's own adapter is waited for, whichever is dialed first.
  expect(eventNames(await client.runToEnd('CallHold', { callid }))).not.toContain('Error');
  expect(await roles()).toEqual(both);
  expect(first.simulator.ledger.requests.filter(({ method }) => method === 'dlg_send_sequential')).toEqual(
    [],
  );
});
