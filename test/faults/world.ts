/**
 * The whole system on loopback with something that can go wrong between any two parts of it.
 *
 *     client ── door ── edge ── link ── adapter ── udp ── simulator
 * @module
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEdge } from '../../selfhost/workerd.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/index.ts';
import { type Adapter, type Health, KEY, kill, spawnAdapter, until } from '../stack/stack.ts';
import { ResumingClient } from './client.ts';
import type { Random } from './random.ts';
import { CLEAR, type UdpRules } from './rules.ts';
import { Tally } from './tally.ts';
import { UdpProxy } from './udp-proxy.ts';
import { WebSocketProxy } from './websocket-proxy.ts';

/** Ports below those that the kernel gives out, so that a restarted edge finds its own still free. */
const EDGE_PORTS = { first: 15_000, last: 31_000 };

/** How long OpenSIPS's own timers are here, in milliseconds: a run shall not take half a minute for a phone that rings. */
const TIMERS = { unanswered: 1_500, ringing: 6_000, listedAfterEnd: 3_000 };

/** The edge, however it runs. */
export interface Edge {
  readonly port: number;
  /** kill -9, then it starts anew on the same data; `meanwhileMs` lie between. */
  killAndStart(meanwhileMs: number): Promise<void>;
  /** Puts the object out of memory, its sockets kept as in its sleep, or closed; or says why that cannot be now. */
  evict?(webSockets: 'hibernate' | 'close'): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** Processes that must not outlive this one, however it ends. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Notes a child of ours for as long as it lives. */
function ours(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

export interface WorldOptions {
  readonly random: Random;
  readonly udp: UdpRules;
  readonly adapter?: Readonly<Record<string, string>>;
  readonly simulator?: SimulatorOptions;
  /** Another edge than bare workerd. */
  readonly edge?: (key: string) => Promise<Edge>;
}

export class World implements AsyncDisposable {
  readonly tally: Tally;
  readonly simulator: Simulator;
  readonly edge: Edge;
  /** Between clients and edge. */
  readonly door: WebSocketProxy;
  /** Between adapter and edge. */
  readonly link: WebSocketProxy;
  readonly udp: UdpProxy;
  readonly #env: Record<string, string>;
  readonly #adapters: Adapter[] = [];
  readonly #clients: ResumingClient[] = [];
  #ended = false;

  private constructor(
    parts: Pick<World, 'tally' | 'simulator' | 'edge' | 'door' | 'link' | 'udp'>,
    options: WorldOptions,
  ) {
    this.tally = parts.tally;
    this.simulator = parts.simulator;
    this.edge = parts.edge;
    this.door = parts.door;
    this.link = parts.link;
    this.udp = parts.udp;
    this.#env = {
      OPENSIPS_MI: `127.0.0.1:${parts.udp.port}`,
      EDGE_URL: `ws://127.0.0.1:${parts.link.port}/adapter`,
      ADAPTER_KEY: KEY,
      ADAPTER_NAME: 'bench',
      SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
      ...options.adapter,
    };
  }

  static async start(options: WorldOptions): Promise<World> {
    const tally = new Tally();
    const simulator = await startSimulator({ timers: TIMERS, ...options.simulator });
    const edge = await (options.edge ?? startWorkerd)(KEY);
    const door = await WebSocketProxy.start(edge.port);
    const link = await WebSocketProxy.start(edge.port);
    const udp = await UdpProxy.start(simulator.mi.port, options.udp, options.random, tally);
    const world = new World({ tally, simulator, edge, door, link, udp }, options);
    world.startAdapter();
    await until(() => world.linked());
    return world;
  }

  get clientUrl(): string {
    return `ws://127.0.0.1:${this.door.port}/call-api`;
  }

  client(session: string): ResumingClient {
    const client = new ResumingClient(this.clientUrl, session);
    this.#clients.push(client);
    return client;
  }

  /** What `/healthz` says, past all faults. */
  async health(): Promise<Health> {
    const signal = AbortSignal.timeout(2_000);
    return (await (await fetch(`http://127.0.0.1:${this.edge.port}/healthz`, { signal })).json()) as Health;
  }

  async linked(): Promise<boolean> {
    return (await this.health()).link.connected;
  }

  startAdapter(): void {
    if (this.#ended) return;
    const adapter = spawnAdapter(this.#env);
    ours(adapter.process);
    this.#adapters.push(adapter);
  }

  /** kill -9. */
  async killAdapter(): Promise<void> {
    await this.#adapters.at(-1)?.stop('SIGKILL');
  }

  /** What every process of the adapter has logged. */
  adapterLog(): string {
    return this.#adapters.map((adapter) => adapter.log()).join('\n--- the next process ---\n');
  }

  /** Aborts the object: now, or within its turn of that number from here. */
  async abort(turns: number): Promise<void> {
    const signal = AbortSignal.timeout(2_000);
    await fetch(`http://127.0.0.1:${this.edge.port}/abort?turns=${turns}`, { signal }).catch(() => {});
  }

  /** No more faults: whatever is cut off comes back. */
  calm(): void {
    this.udp.rules = CLEAR;
    for (const proxy of [this.door, this.link]) {
      proxy.delayMs = 0;
      proxy.letIn();
      proxy.heal();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    for (const client of this.#clients) client.close();
    for (const adapter of this.#adapters) await adapter.stop('SIGKILL');
    await Promise.all([this.door, this.link, this.udp].map((proxy) => proxy[Symbol.asyncDispose]()));
    await this.edge.stop();
    await this.simulator.close();
  }
}

/** Bare workerd, on data of its own. */
async function startWorkerd(key: string): Promise<Edge> {
  const data = await mkdtemp(join(tmpdir(), 'call-api-faults-'));
  const port = await freePort();
  const start = async (): Promise<ChildProcess> => {
    const options = { port, data, secrets: { ADAPTER_KEY: key }, entry: 'test/faults/abortable.js' };
    const child = await startEdge(options);
    ours(child);
    await until(async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
    return child;
  };
  let child = await start();
  let stopped = false;
  return {
    port,
    async killAndStart(meanwhileMs) {
      await kill(child, 'SIGKILL');
      await new Promise((resume) => setTimeout(resume, meanwhileMs));
      if (!stopped) child = await start();
    },
    async stop() {
      stopped = true;
      await kill(child, 'SIGKILL');
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** A TCP port that nobody has, and that the kernel gives to nobody. */
async function freePort(): Promise<number> {
  for (;;) {
    const { first, last } = EDGE_PORTS;
    const port = first + Math.floor(Math.random() * (last - first));
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
