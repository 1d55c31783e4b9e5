/** Plans the system faults of a run from its seed, and injects them. @module */
import type { FaultHarness, FaultHarnessOptions } from '../harness/harness.ts';
import type { OpenSipsNode } from '../harness/opensips-node.ts';
import type { SeededRandom } from '../harness/seeded-random.ts';
import type { Flow } from '../proxies/udp-proxy.ts';
import type { Direction } from '../proxies/websocket-proxy.ts';
import type { SystemFaultRates } from './fault-rates.ts';

export type Fault =
  | { readonly kind: 'linkReset' | 'clientReset' | 'linkSlow' }
  | {
      readonly kind: 'linkHalfOpen' | 'linkHalfOpenLong' | 'clientHalfOpen';
      readonly ms: number;
      readonly directions: readonly Direction[];
      readonly end: 'resume' | 'reset';
    }
  | {
      readonly kind: 'adapterKill';
      readonly adapter: number;
      readonly moment: Flow | 'at once';
      readonly restartAfterMs: number;
    }
  | { readonly kind: 'adapterStop'; readonly adapter: number; readonly restartAfterMs: number }
  | { readonly kind: 'adapterHang'; readonly adapter: number; readonly ms: number }
  | { readonly kind: 'edgeKill'; readonly restartAfterMs: number }
  | { readonly kind: 'abort' | 'abortDialer' | 'evictHibernated' | 'evictClosed' }
  | { readonly kind: 'abortWithinTurn'; readonly turns: number }
  | { readonly kind: 'restartKeepingDialogs' | 'restartLosingDialogs'; readonly node: number }
  | { readonly kind: 'openSipsCrash'; readonly node: number; readonly ms: number };

/** Which adapters and OpenSIPS a plan is for. */
export type PlannedParts = Pick<FaultHarnessOptions, 'adapters' | 'setting' | 'spared'>;

/** A fault that is injected after this many commands have been started. */
export interface PlannedFault {
  readonly afterCommand: number;
  readonly fault: Fault;
}

/** The delay of `linkSlow`, and how long it lasts. */
const SLOW_LINK_DELAY_MS = 200;
const SLOW_LINK_DURATION_MS = 1_000;
/** From longer than a canceled command takes to end, to longer than the edge waits for a ping (`PING_TIMEOUT_MS`). */
const LONG_HALF_OPEN_MS = [5_000, 28_000] as const;
/** From shorter to longer than the edge waits for a ping. */
const HANG_MS = [1_000, 32_000] as const;
/** From shorter to longer than an adapter takes to notice that OpenSIPS does not answer (9 s: `adapter/timing.ts`). */
const CRASH_MS = [500, 12_000] as const;
/** How long an adapter kill waits for the datagram during which it happens. */
const DATAGRAM_TIMEOUT_MS = 3_000;

/**
 * Draws a plan for a number of commands. The last tenth has no new faults, so that all faults coincide with commands.
 */
export function planFaults(
  rates: SystemFaultRates,
  commands: number,
  random: SeededRandom,
  parts: PlannedParts = {},
): PlannedFault[] {
  const { halfOpenMs, ...averages } = rates;
  const planned: PlannedFault[] = [];
  for (const kind of Object.keys(averages) as (keyof typeof averages)[]) {
    for (let n = drawCount(averages[kind], random); n > 0; n--) {
      planned.push({
        afterCommand: random.integer(1, Math.ceil(commands * 0.9)),
        fault: drawFault(kind, halfOpenMs, random, parts),
      });
    }
  }
  return planned.sort((a, b) => a.afterCommand - b.afterCommand);
}

/** Returns the integer part of the average, plus 1 with the probability of its fraction. */
function drawCount(average: number, random: SeededRandom): number {
  return Math.floor(average) + (random.chance(average % 1) ? 1 : 0);
}

function drawFault(
  kind: Fault['kind'],
  halfOpenMs: number,
  random: SeededRandom,
  { adapters = 1, setting, spared }: PlannedParts,
): Fault {
  switch (kind) {
    case 'linkHalfOpen':
    case 'linkHalfOpenLong':
    case 'clientHalfOpen':
      return {
        kind,
        ms:
          kind === 'linkHalfOpenLong'
            ? random.integer(...LONG_HALF_OPEN_MS)
            : random.integer(200, halfOpenMs),
        directions: random.pick<readonly Direction[]>([['up'], ['down'], ['up', 'down']]),
        end: random.pick(['resume', 'reset']),
      };
    case 'adapterKill': {
      const moment = random.pick<Flow | 'at once'>(['request', 'reply', 'event', 'at once']);
      return { kind, moment, restartAfterMs: random.integer(0, 1_000), adapter: drawAdapter() };
    }
    case 'adapterStop':
      return { kind, restartAfterMs: random.integer(0, 1_000), adapter: drawAdapter() };
    case 'adapterHang':
      return { kind, ms: random.integer(...HANG_MS), adapter: drawAdapter() };
    case 'restartKeepingDialogs':
    case 'restartLosingDialogs':
      return { kind, node: setting === 'active' ? drawAdapter() : 0 };
    case 'openSipsCrash':
      return { kind, ms: random.integer(...CRASH_MS), node: setting === 'active' ? drawAdapter() : 0 };
    case 'edgeKill':
      return { kind, restartAfterMs: random.integer(0, 1_000) };
    case 'abortWithinTurn':
      return { kind, turns: random.integer(1, 10) };
    default:
      return { kind };
  }

  /** A single adapter is not drawn, so that the plans of its seeds stay as they are. */
  function drawAdapter(): number {
    if (adapters === 1) return 0;
    const drawn = random.integer(0, adapters - 1);
    return drawn === spared ? (drawn + 1) % adapters : drawn;
  }
}

/** Injects a fault. Resolves when it is over. */
export async function injectFault(fault: Fault, harness: FaultHarness): Promise<void> {
  const { kind, ...details } = fault;
  harness.faultLog.record(kind, JSON.stringify(details));
  switch (fault.kind) {
    case 'linkReset':
      return harness.nextLinkProxy().resetConnections();
    case 'clientReset':
      return harness.clientProxy.resetConnections();
    case 'linkSlow': {
      const proxy = harness.nextLinkProxy();
      proxy.delayMs = SLOW_LINK_DELAY_MS;
      await sleep(SLOW_LINK_DURATION_MS);
      proxy.delayMs = 0;
      return;
    }
    case 'linkHalfOpen':
    case 'linkHalfOpenLong':
    case 'clientHalfOpen': {
      const proxy = fault.kind === 'clientHalfOpen' ? harness.clientProxy : harness.nextLinkProxy();
      proxy.stall(...fault.directions);
      await sleep(fault.ms);
      if (fault.end === 'reset') proxy.resetConnections();
      else proxy.resume();
      return;
    }
    case 'adapterKill':
      if (fault.moment !== 'at once') await waitForDatagram(fault.moment, harness.nodeOf(fault.adapter));
      return harness.restartAdapter(fault.adapter, 'SIGKILL', fault.restartAfterMs);
    case 'adapterStop':
      return harness.restartAdapter(fault.adapter, 'SIGTERM', fault.restartAfterMs);
    case 'adapterHang':
      return harness.hangAdapter(fault.adapter, fault.ms);
    case 'edgeKill':
      return harness.edge.killAndRestart(fault.restartAfterMs);
    case 'evictHibernated':
    case 'evictClosed': {
      const webSockets = fault.kind === 'evictClosed' ? 'close' : 'hibernate';
      const refusal = await harness.edge.evict?.(webSockets);
      if (refusal !== undefined) harness.faultLog.record(`${fault.kind}, refused: ${refusal}`, '');
      return;
    }
    case 'abort':
      return harness.abortObject(0);
    case 'abortDialer':
      return harness.abortDialer();
    case 'abortWithinTurn':
      return harness.abortObject(fault.turns);
    case 'openSipsCrash': {
      const { simulator } = harness.nodeOf(fault.node);
      simulator.crash();
      await sleep(fault.ms);
      simulator.restart({ keepDialogs: false });
      return;
    }
    default:
      harness.nodeOf(fault.node).simulator.restart({ keepDialogs: fault.kind === 'restartKeepingDialogs' });
  }
}

/** Resolves just before the next datagram of that flow is forwarded, or after a timeout. */
function waitForDatagram(flow: Flow, { udpProxy }: OpenSipsNode): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      udpProxy.onForward = undefined;
      resolve();
    };
    const timer = setTimeout(done, DATAGRAM_TIMEOUT_MS);
    udpProxy.onForward = (forwardedFlow) => {
      if (forwardedFlow === flow) done();
    };
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
