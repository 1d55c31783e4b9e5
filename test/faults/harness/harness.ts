/**
 * The whole system on loopback, with a proxy or process between its parts that can inject faults.
 *
 *     client ── clientProxy ── edge ── linkProxy ── adapter ── udpProxy ── simulator
 *
 * The link is opened from the right, or from the left if the edge dials.
 * @module
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEdge } from '../../../selfhost/workerd.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import {
  ADAPTER_KEY,
  type AdapterProcess,
  type Health,
  spawnAdapter,
  stopProcess,
  waitUntil,
} from '../../harness/stack.ts';
import { FaultLog } from '../injection/fault-log.ts';
import { NO_UDP_FAULTS, type UdpFaultRates } from '../injection/fault-rates.ts';
import { UdpProxy } from '../proxies/udp-proxy.ts';
import { WebSocketProxy } from '../proxies/websocket-proxy.ts';
import type { FaultClient } from './fault-client.ts';
import { ResumingClient } from './resuming-client.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Below the ephemeral ports of the kernel, so that the port of a killed edge is still free when it restarts. */
const EDGE_PORT_RANGE = { first: 15_000, last: 31_000 };

/** OpenSIPS's timers, short enough that a run does not take half a minute for a ringing phone. */
const TIMERS = { frTimeoutMs: 1_500, frInvTimeoutMs: 6_000, listedAfterEndMs: 3_000 };

/** `frTimeoutMs` as the adapter's setting has it: in whole seconds. */
const FR_TIMEOUT_S = Math.ceil(TIMERS.frTimeoutMs / 1_000);

const HTTP_TIMEOUT_MS = 2_000;

/** What the adapter logs when it listens. */
const LISTENING = 'Listening for the edge.';

const ADAPTER = 'adapter/main.ts';
const OLDER_ADAPTER = 'test/faults/harness/older-adapter.ts';

/** An edge on bare workerd or on miniflare. */
export interface Edge {
  readonly port: number;
  /** Kills the edge (kill -9), waits, and restarts it with the same data. */
  killAndRestart(restartAfterMs: number): Promise<void>;
  /**
   * Evicts the object from memory, with its sockets kept, as in hibernation, or closed. Resolves with a reason if that
   * is currently impossible.
   */
  evict?(webSockets: 'hibernate' | 'close'): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** Who opens the link, as the edge sees it. */
export type LinkMode = 'accept' | 'dial';

/** @param dialUrl where the edge dials the adapters, with commas between the URLs; undefined if they connect to the edge */
export type StartEdge = (adapterKey: string, dialUrl?: string) => Promise<Edge>;

/** Child processes, which must not outlive this process, however it ends. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

function trackChild(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

export interface FaultHarnessOptions {
  readonly random: SeededRandom;
  readonly faultRates: UdpFaultRates;
  /** How many adapters the site has; one by default. */
  readonly adapters?: number;
  /** Additional environment variables of the adapters. */
  readonly adapter?: Readonly<Record<string, string>>;
  readonly simulator?: SimulatorOptions;
  /** Starts the edge. The default is bare workerd. */
  readonly startEdge?: StartEdge;
  /** Who opens the link: the adapter (`accept`, the default), or the edge. */
  readonly link?: LinkMode;
  /** The adapters know no features of the link that came after 0.2.0. */
  readonly withoutFeatures?: boolean;
}

type Components = Pick<
  FaultHarness,
  'faultLog' | 'simulator' | 'edge' | 'clientProxy' | 'linkProxies' | 'udpProxy'
>;

export class FaultHarness implements AsyncDisposable {
  readonly faultLog: FaultLog;
  readonly simulator: Simulator;
  readonly edge: Edge;
  /** Between clients and edge. */
  readonly clientProxy: WebSocketProxy;
  /** Between adapters and edge: one for all that connect to the edge, one for each that is dialed. */
  readonly linkProxies: readonly WebSocketProxy[];
  /** Between adapter and simulator. */
  readonly udpProxy: UdpProxy;
  readonly #adapterEnv: Record<string, string>;
  readonly #adapterScript: string;
  /** The settings of each adapter for its end of the link. */
  readonly #linkEnvs: readonly Record<string, string>[];
  /** The process of each adapter that was started last. */
  readonly #running: AdapterProcess[] = [];
  readonly #adapters: AdapterProcess[] = [];
  readonly #clients: Pick<FaultClient, 'close'>[] = [];
  #linkFaults = 0;
  #isDisposed = false;

  private constructor(
    components: Components,
    options: FaultHarnessOptions,
    linkEnvs: readonly Record<string, string>[],
  ) {
    this.faultLog = components.faultLog;
    this.simulator = components.simulator;
    this.edge = components.edge;
    this.clientProxy = components.clientProxy;
    this.linkProxies = components.linkProxies;
    this.#linkEnvs = linkEnvs;
    this.udpProxy = components.udpProxy;
    this.#adapterScript = options.withoutFeatures ? OLDER_ADAPTER : ADAPTER;
    this.#adapterEnv = {
      OPENSIPS_MI: `127.0.0.1:${this.udpProxy.port}`,
      ADAPTER_KEY,
      SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
      FR_TIMEOUT: String(FR_TIMEOUT_S),
      ...options.adapter,
    };
  }

  /** Starts the system. Resolves when the adapter is connected to the edge, or listens for it. */
  static async start(options: FaultHarnessOptions): Promise<FaultHarness> {
    const faultLog = new FaultLog();
    const simulator = await startSimulator({ timers: TIMERS, ...options.simulator });
    const { edge, clientProxy, linkProxies, linkEnvs } = await startLinkedEdge(options);
    const udpProxy = await UdpProxy.start(simulator.mi.port, options.faultRates, options.random, faultLog);
    const components = { faultLog, simulator, edge, clientProxy, linkProxies, udpProxy };
    const harness = new FaultHarness(components, options, linkEnvs);
    const { adapters = 1 } = options;
    for (let index = 0; index < adapters; index++) harness.#startAdapter(index);
    // The edge dials when it needs the adapter.
    await waitUntil(async () =>
      options.link === 'dial'
        ? harness.#adapters.every((adapter) => adapter.log().includes(LISTENING))
        : (await harness.fetchHealth()).link.adapters?.length === adapters,
    );
    return harness;
  }

  /** Returns the proxy of the link that has the next fault: each in turn. */
  nextLinkProxy(): WebSocketProxy {
    const proxy = this.linkProxies[this.#linkFaults++ % this.linkProxies.length];
    if (!proxy) throw new Error('There is no link.');
    return proxy;
  }

  get clientUrl(): string {
    return `ws://127.0.0.1:${this.clientProxy.port}/call-api`;
  }

  openClient(session: string): ResumingClient {
    return this.closeAtEnd(new ResumingClient(this.clientUrl, session));
  }

  /** Closes a client when the system stops. */
  closeAtEnd<T extends Pick<FaultClient, 'close'>>(client: T): T {
    this.#clients.push(client);
    return client;
  }

  /** Resolves with the response of `/healthz`, which bypasses the proxies. */
  async fetchHealth(): Promise<Health> {
    const signal = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    return (await (await fetch(`http://127.0.0.1:${this.edge.port}/healthz`, { signal })).json()) as Health;
  }

  /** Resolves with whether an adapter is connected to the edge. */
  async isLinked(): Promise<boolean> {
    return (await this.fetchHealth()).link.connected;
  }

  #startAdapter(index: number): void {
    if (this.#isDisposed) return;
    const env = { ...this.#adapterEnv, ...this.#linkEnvs[index], ADAPTER_NAME: `faults-${index}` };
    const adapter = spawnAdapter(env, this.#adapterScript);
    trackChild(adapter.process);
    this.#running[index] = adapter;
    this.#adapters.push(adapter);
  }

  /** Ends the process of an adapter with this signal, and starts it again. */
  async restartAdapter(index: number, signal: 'SIGKILL' | 'SIGTERM', restartAfterMs: number): Promise<void> {
    const adapter = this.#running[index];
    await adapter?.stop(signal);
    await new Promise((resolve) => setTimeout(resolve, restartAfterMs));
    // Another fault may have done so meanwhile.
    if (this.#running[index] === adapter) this.#startAdapter(index);
  }

  /** Stops the process of an adapter for a time, in which it keeps its sockets open. */
  async hangAdapter(index: number, ms: number): Promise<void> {
    const child = this.#running[index]?.process;
    child?.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms));
    child?.kill('SIGCONT');
  }

  /** Returns the log of all adapter processes. */
  adapterLog(): string {
    return this.#adapters.map((adapter) => adapter.log()).join('\n--- next process ---\n');
  }

  /** Aborts the object: now (0), or within the given turn from now. */
  async abortObject(turns: number): Promise<void> {
    const signal = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    await fetch(`http://127.0.0.1:${this.edge.port}/abort?turns=${turns}`, { signal }).catch(() => {});
  }

  /** Aborts the object that holds the edge's end of the link. */
  async abortDialer(): Promise<void> {
    const signal = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    await fetch(`http://127.0.0.1:${this.edge.port}/abort?dialer`, { signal }).catch(() => {});
  }

  /** Ends all faults, so that stalled and refused connections recover. */
  stopFaults(): void {
    this.udpProxy.faultRates = NO_UDP_FAULTS;
    for (const proxy of [this.clientProxy, ...this.linkProxies]) {
      proxy.delayMs = 0;
      proxy.acceptConnections();
      proxy.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    for (const client of this.#clients) client.close();
    for (const adapter of this.#adapters) await adapter.stop('SIGKILL');
    const proxies = [this.clientProxy, ...this.linkProxies, this.udpProxy];
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    await this.edge.stop();
    await this.simulator.close();
  }
}

/** Starts the edge and the proxies before and behind it. Returns also the settings of each adapter for its end of the link. */
async function startLinkedEdge({
  link = 'accept',
  adapters = 1,
  startEdge = startWorkerd,
}: FaultHarnessOptions) {
  if (link === 'accept') {
    const edge = await startEdge(ADAPTER_KEY);
    const clientProxy = await WebSocketProxy.start(edge.port);
    const linkProxy = await WebSocketProxy.start(edge.port);
    const linkEnvs = Array.from({ length: adapters }, () => ({ EDGE_URL: adapterUrl(linkProxy.port) }));
    return { edge, clientProxy, linkProxies: [linkProxy], linkEnvs };
  }
  const listeners = await Promise.all(
    Array.from({ length: adapters }, async () => {
      const port = await findFreePort();
      const proxy = await WebSocketProxy.start(port);
      return { port, proxy, publicUrl: `http://127.0.0.1:${proxy.port}/link` };
    }),
  );
  const edge = await startEdge(ADAPTER_KEY, listeners.map(({ publicUrl }) => publicUrl).join());
  const clientProxy = await WebSocketProxy.start(edge.port);
  const linkEnvs = listeners.map(({ port, publicUrl }) => ({
    // It reads the keys of the edge there, and knocks.
    EDGE_URL: adapterUrl(clientProxy.port),
    ADAPTER_LISTEN: `127.0.0.1:${port}`,
    ADAPTER_PUBLIC_URL: publicUrl,
  }));
  return { edge, clientProxy, linkProxies: listeners.map(({ proxy }) => proxy), linkEnvs };
}

function adapterUrl(port: number): string {
  return `ws://127.0.0.1:${port}/adapter`;
}

/** Starts the edge on bare workerd, with its own data. */
async function startWorkerd(adapterKey: string, dialUrl?: string): Promise<Edge> {
  const data = await mkdtemp(join(tmpdir(), 'call-api-faults-'));
  const port = await findFreePort();
  const start = async (): Promise<ChildProcess> => {
    const child = await startEdge({
      port,
      data,
      secrets: { ADAPTER_KEY: adapterKey },
      entry: 'test/faults/harness/abortable-worker.js',
      ...(dialUrl === undefined ? {} : { dialUrl, allowLoopbackAdapters: true }),
    });
    trackChild(child);
    await waitUntil(async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
    return child;
  };
  let child = await start();
  let isStopped = false;
  return {
    port,
    async killAndRestart(restartAfterMs) {
      await stopProcess(child, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, restartAfterMs));
      if (!isStopped) child = await start();
    },
    async stop() {
      isStopped = true;
      await stopProcess(child, 'SIGKILL');
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Returns a free TCP port that is not an ephemeral port of the kernel. */
async function findFreePort(): Promise<number> {
  for (;;) {
    const { first, last } = EDGE_PORT_RANGE;
    const port = first + Math.floor(Math.random() * (last - first));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
