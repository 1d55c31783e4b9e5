/** The grave faults of a run: what happens when, chosen by the seed; and their doing. @module */
import type { Random } from './random.ts';
import type { GraveRules } from './rules.ts';
import type { Flow } from './udp-proxy.ts';
import type { Direction } from './websocket-proxy.ts';
import type { World } from './world.ts';

/** One of them. */
export type Fault =
  | { readonly kind: 'linkCut' | 'clientCut' | 'linkSlow' }
  | {
      readonly kind: 'linkHalfOpen' | 'clientHalfOpen';
      readonly ms: number;
      readonly directions: readonly Direction[];
      readonly end: 'heal' | 'cut';
    }
  | { readonly kind: 'adapterKill'; readonly instant: Flow | 'at once'; readonly afterMs: number }
  | { readonly kind: 'edgeKill'; readonly afterMs: number }
  | { readonly kind: 'abort' | 'evictHibernated' | 'evictClosed' }
  | { readonly kind: 'abortInTurn'; readonly turns: number }
  | { readonly kind: 'restartKept' | 'restartLost' };

/** It happens after so many commands have been started. */
export interface Planned {
  readonly after: number;
  readonly fault: Fault;
}

/** `linkSlow`: everything comes so much later for so long, in milliseconds. */
const SLOW_BY_MS = 200;
const SLOW_FOR_MS = 1_000;
/** For the datagram that a kill waits for. */
const INSTANT_PATIENCE_MS = 3_000;

/** Draws a plan for so many commands. The last tenth is left in peace, so that faults fall among commands. */
export function plan(rules: GraveRules, commands: number, random: Random): Planned[] {
  const { halfOpenMs, ...rates } = rules;
  const planned: Planned[] = [];
  for (const kind of Object.keys(rates) as (keyof typeof rates)[]) {
    for (let n = often(rates[kind], random); n > 0; n--) {
      planned.push({
        after: random.whole(1, Math.ceil(commands * 0.9)),
        fault: draw(kind, halfOpenMs, random),
      });
    }
  }
  return planned.sort((one, other) => one.after - other.after);
}

/** Whole times, and once more with the probability of the rest. */
function often(mean: number, random: Random): number {
  return Math.floor(mean) + (random.chance(mean % 1) ? 1 : 0);
}

function draw(kind: Fault['kind'], halfOpenMs: number, random: Random): Fault {
  switch (kind) {
    case 'linkHalfOpen':
    case 'clientHalfOpen':
      return {
        kind,
        ms: random.whole(200, halfOpenMs),
        directions: random.pick<readonly Direction[]>([['up'], ['down'], ['up', 'down']]),
        end: random.pick(['heal', 'cut']),
      };
    case 'adapterKill': {
      const instant = random.pick<Flow | 'at once'>(['request', 'reply', 'event', 'at once']);
      return { kind, instant, afterMs: random.whole(0, 1_000) };
    }
    case 'edgeKill':
      return { kind, afterMs: random.whole(0, 1_000) };
    case 'abortInTurn':
      return { kind, turns: random.whole(1, 10) };
    default:
      return { kind };
  }
}

/** Does it. Resolves when it is over. */
export async function commit(fault: Fault, world: World): Promise<void> {
  const { kind, ...details } = fault;
  world.tally.add(kind, JSON.stringify(details));
  switch (fault.kind) {
    case 'linkCut':
      return world.link.cut();
    case 'clientCut':
      return world.door.cut();
    case 'linkSlow':
      world.link.delayMs = SLOW_BY_MS;
      await pass(SLOW_FOR_MS);
      world.link.delayMs = 0;
      return;
    case 'linkHalfOpen':
    case 'clientHalfOpen': {
      const proxy = fault.kind === 'linkHalfOpen' ? world.link : world.door;
      proxy.stall(...fault.directions);
      await pass(fault.ms);
      if (fault.end === 'cut') proxy.cut();
      else proxy.heal();
      return;
    }
    case 'adapterKill':
      if (fault.instant !== 'at once') await passing(fault.instant, world);
      await world.killAdapter();
      await pass(fault.afterMs);
      world.startAdapter();
      return;
    case 'edgeKill':
      return world.edge.killAndStart(fault.afterMs);
    case 'evictHibernated':
    case 'evictClosed': {
      const why = await world.edge.evict?.(fault.kind === 'evictClosed' ? 'close' : 'hibernate');
      if (why !== undefined) world.tally.add(`${fault.kind}, refused: ${why}`, '');
      return;
    }
    case 'abort':
      return world.abort(0);
    case 'abortInTurn':
      return world.abort(fault.turns);
    default:
      world.simulator.restart({ keepDialogs: fault.kind === 'restartKept' });
  }
}

/** Resolves just before the next datagram of that flow goes on. */
function passing(flow: Flow, { udp }: World): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      udp.onPass = undefined;
      resolve();
    };
    const timer = setTimeout(done, INSTANT_PATIENCE_MS);
    udp.onPass = (passed) => {
      if (passed === flow) done();
    };
  });
}

function pass(ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, ms));
}
