/** The edge of a fault run, with a proxy before it and one on each link. @module */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEdge } from '../../../selfhost/workerd.ts';
import { ADAPTER_KEY, stopProcess, waitUntil } from '../../harness/stack.ts';
import { WebSocketProxy } from '../proxies/websocket-proxy.ts';
import { trackChild } from './child-processes.ts';

/** Below the ephemeral ports of the kernel, so that the port of a killed edge is still free when it restarts. */
const EDGE_PORT_RANGE = { first: 15_000, last: 31_000 };

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

/**
 * Who serves the site: one adapter, all of them, each beside an OpenSIPS of its own, or all of them beside one OpenSIPS, which is what
 * replicated dialogs are for the edge.
 */
export type AdaptersSetting = 'standby' | 'active' | 'replicated';

/** Variables of the Worker of the tenant `demo`. */
export interface DemoVariables {
  readonly ADAPTER_KEY: string;
  /** Where the edge dials the adapters, with commas between the URLs; empty if they connect to the edge. */
  readonly DIAL_URL: string;
  readonly ADAPTERS: AdaptersSetting;
}

export type StartEdge = (variables: DemoVariables) => Promise<Edge>;

/** How the edge and its links are started. */
export interface LinkedEdgeOptions {
  /** Who opens the link: the adapter (`accept`, the default), or the edge. */
  readonly link?: LinkMode;
  /** How many adapters the site has; one by default. */
  readonly adapters?: number;
  /** Which adapters serve the site; one by default. */
  readonly setting?: AdaptersSetting;
  /** Starts the edge. The default is bare workerd. */
  readonly startEdge?: StartEdge;
}

export interface LinkedEdge {
  readonly edge: Edge;
  /** Between clients and edge. */
  readonly clientProxy: WebSocketProxy;
  /** Between adapters and edge: one for each, or for all that connect to the edge and of which one serves the site. */
  readonly linkProxies: readonly WebSocketProxy[];
  /** The settings of each adapter for its end of the link. */
  readonly linkEnvs: readonly Record<string, string>[];
}

/** Starts the edge and the proxies before and behind it. */
export async function startLinkedEdge({
  link = 'accept',
  adapters = 1,
  setting = 'standby',
  startEdge = startWorkerd,
}: LinkedEdgeOptions): Promise<LinkedEdge> {
  const variables: DemoVariables = { ADAPTER_KEY, DIAL_URL: '', ADAPTERS: setting };
  if (link === 'accept') {
    const edge = await startEdge(variables);
    const clientProxy = await WebSocketProxy.start(edge.port);
    const count = setting === 'standby' ? 1 : adapters;
    const linkProxies = await Promise.all(
      Array.from({ length: count }, () => WebSocketProxy.start(edge.port)),
    );
    const [shared] = linkProxies;
    const linkEnvs = Array.from({ length: adapters }, (_, index) => ({
      EDGE_URL: adapterUrl((linkProxies[index] ?? shared)?.port ?? edge.port),
    }));
    return { edge, clientProxy, linkProxies, linkEnvs };
  }
  const listeners = await Promise.all(
    Array.from({ length: adapters }, async () => {
      const port = await findFreePort();
      const proxy = await WebSocketProxy.start(port);
      return { port, proxy, publicUrl: `http://127.0.0.1:${proxy.port}/link` };
    }),
  );
  const edge = await startEdge({
    ...variables,
    DIAL_URL: listeners.map(({ publicUrl }) => publicUrl).join(),
  });
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
async function startWorkerd({ DIAL_URL, ...secrets }: DemoVariables): Promise<Edge> {
  const data = await mkdtemp(join(tmpdir(), 'call-api-faults-'));
  const port = await findFreePort();
  const start = async (): Promise<ChildProcess> => {
    const child = await startEdge({
      port,
      data,
      secrets,
      entry: 'test/faults/harness/abortable-worker.js',
      ...(DIAL_URL === '' ? {} : { dialUrl: DIAL_URL, allowLoopbackAdapters: true }),
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
