/**
 * The whole system on loopback, with a proxy or process between its parts that can inject faults.
 *
 *     client ── clientProxy ── edge ── linkProxy ── adapter ── udpProxy ── simulator
 *
 * The link is opened from the right, or from the left if the edge dials. If all adapters serve the site, each has a link proxy of its own, and
 * mostly a UDP proxy and a simulator as well.
 * @module
 */
import type { Simulator, SimulatorOptions } from '../../../simulator/index.ts';
import { Ledger } from '../../../simulator/opensips/ledger.ts';
import {
  ADAPTER_KEY,
  type AdapterProcess,
  type Health,
  spawnAdapter,
  waitUntil,
} from '../../harness/stack.ts';
import { FaultLog } from '../injection/fault-log.ts';
import { NO_UDP_FAULTS, type UdpFaultRates } from '../injection/fault-rates.ts';
import type { UdpProxy } from '../proxies/udp-proxy.ts';
import type { WebSocketProxy } from '../proxies/websocket-proxy.ts';
import { trackChild } from './child-processes.ts';
import type { FaultClient } from './fault-client.ts';
import { type Edge, type LinkedEdge, type LinkedEdgeOptions, startLinkedEdge } from './linked-edge.ts';
import { type OpenSipsNode, startNode } from './opensips-node.ts';
import { ResumingClient } from './resuming-client.ts';
import type { SeededRandom } from './seeded-random.ts';

/** OpenSIPS's timers, short enough that a run does not take half a minute for a ringing phone. */
const TIMERS = { frTimeoutMs: 1_500, frInvTimeoutMs: 6_000, listedAfterEndMs: 3_000 };

/** `frTimeoutMs` as the adapter's setting has it: in whole seconds. */
const FR_TIMEOUT_S = Math.ceil(TIMERS.frTimeoutMs / 1_000);

const HTTP_TIMEOUT_MS = 2_000;

/** What the adapter logs when it listens. */
const LISTENING = 'Listening for the edge.';

const ADAPTER = 'adapter/main.ts';
const OLDER_ADAPTER = 'test/faults/harness/older-adapter.ts';

export interface FaultHarnessOptions extends LinkedEdgeOptions {
  readonly random: SeededRandom;
  readonly faultRates: UdpFaultRates;
  /** The number of an adapter that has no faults, from 0 on, as its link and its OpenSIPS have none. */
  readonly spared?: number | undefined;
  /** Additional environment variables of the adapters. */
  readonly adapter?: Readonly<Record<string, string>>;
  readonly simulator?: SimulatorOptions;
  /** The adapters know no features of the link that came after 0.2.0. */
  readonly withoutFeatures?: boolean;
}

export class FaultHarness implements AsyncDisposable {
  readonly faultLog: FaultLog;
  /** What all OpenSIPS have done. */
  readonly ledger: Ledger;
  /** One OpenSIPS, or one for each adapter. */
  readonly nodes: readonly OpenSipsNode[];
  readonly #linkedEdge: LinkedEdge;
  readonly #options: FaultHarnessOptions;
  /** The process of each adapter that was started last. */
  readonly #running: AdapterProcess[] = [];
  readonly #adapters: AdapterProcess[] = [];
  readonly #clients: Pick<FaultClient, 'close'>[] = [];
  #linkFaults = 0;
  #isDisposed = false;

  private constructor(
    components: Pick<FaultHarness, 'faultLog' | 'ledger' | 'nodes'>,
    linkedEdge: LinkedEdge,
    options: FaultHarnessOptions,
  ) {
    this.faultLog = components.faultLog;
    this.ledger = components.ledger;
    this.nodes = components.nodes;
    this.#linkedEdge = linkedEdge;
    this.#options = options;
  }

  /** Starts the system. Resolves when the adapter is connected to the edge, or listens for it. */
  static async start(options: FaultHarnessOptions): Promise<FaultHarness> {
    const { adapters = 1, setting, spared, random, faultRates } = options;
    const faultLog = new FaultLog();
    const ledger = new Ledger(true);
    const nodes = await Promise.all(
      Array.from({ length: setting === 'active' ? adapters : 1 }, (_, index) => {
        const rates = index === spared ? NO_UDP_FAULTS : faultRates;
        return startNode(ledger, { timers: TIMERS, ...options.simulator }, rates, random, faultLog);
      }),
    );
    const harness = new FaultHarness({ faultLog, ledger, nodes }, await startLinkedEdge(options), options);
    for (let index = 0; index < adapters; index++) harness.#startAdapter(index);
    // The edge dials when it needs the adapter.
    await waitUntil(async () =>
      options.link === 'dial'
        ? harness.#adapters.every((adapter) => adapter.log().includes(LISTENING))
        : (await harness.fetchHealth()).link.adapters?.length === adapters,
    );
    return harness;
  }

  get edge(): Edge {
    return this.#linkedEdge.edge;
  }

  /** Between clients and edge. */
  get clientProxy(): WebSocketProxy {
    return this.#linkedEdge.clientProxy;
  }

  /** Between adapters and edge. */
  get linkProxies(): readonly WebSocketProxy[] {
    return this.#linkedEdge.linkProxies;
  }

  /** The OpenSIPS of an adapter. */
  nodeOf(adapter: number): OpenSipsNode {
    const node = this.nodes[adapter] ?? this.nodes[0];
    if (!node) throw new Error('There is no OpenSIPS.');
    return node;
  }

  /** The first OpenSIPS, which may be the only one. */
  get simulator(): Simulator {
    return this.nodeOf(0).simulator;
  }

  /** Between adapters and the first OpenSIPS. */
  get udpProxy(): UdpProxy {
    return this.nodeOf(0).udpProxy;
  }

  /** Returns the proxy of the link that has the next fault: each in turn. */
  nextLinkProxy(): WebSocketProxy {
    const proxies = this.linkProxies.filter((_, index) => index !== this.#options.spared);
    const proxy = proxies[this.#linkFaults++ % proxies.length];
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
    const adapter = spawnAdapter(
      {
        OPENSIPS_MI: `127.0.0.1:${this.nodeOf(index).udpProxy.port}`,
        ADAPTER_KEY,
        SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
        FR_TIMEOUT: String(FR_TIMEOUT_S),
        ...this.#options.adapter,
        ...this.#linkedEdge.linkEnvs[index],
        ADAPTER_NAME: `faults-${index}`,
      },
      this.#options.withoutFeatures ? OLDER_ADAPTER : ADAPTER,
    );
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
    for (const { udpProxy } of this.nodes) udpProxy.faultRates = NO_UDP_FAULTS;
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
    const udpProxies = this.nodes.map(({ udpProxy }) => udpProxy);
    const proxies = [this.clientProxy, ...this.linkProxies, ...udpProxies];
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    await this.edge.stop();
    await Promise.all(this.nodes.map(({ simulator }) => simulator.close()));
  }
}
