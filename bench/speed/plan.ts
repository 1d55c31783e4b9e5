/** What is to be measured, as the command line has it. Pure. @module */
import { parseArgs } from 'node:util';
import { WORKLOADS, type Workload } from '../project/workloads.ts';
import type { Length } from './closed-loop.ts';
import type { Place } from './contender.ts';
import { PROMISES, placeOf } from './promises.ts';

export const HELP = `npm run bench -- [options]

Measures this project beside a bare datagram, an object that echoes and the least relays, in turns, on this machine.
Without options: the figures that it promises.

  --all                  the whole matrix: every workload, 1, 16, 64 and 256 in flight, 1 and 100 sockets, 1 and 50 tenants;
                         takes some ten minutes
  --workloads LIST       of ${WORKLOADS.join(', ')}
  --in-flight LIST       operations under way at a time
  --sockets LIST         client sockets that share them; at least one for each tenant
  --tenants LIST         each with an object, an adapter and a simulator of its own
  --rounds N             rounds that count (15; with any of the above 3); one before them does not
  --count N              operations a round (500 with one in flight, otherwise 1000; but no longer than half a second)
  --data DIR             where the objects' storage is: whether a disk syncs in 1 ms or in none decides much
                         (the system's folder for temporary files)
  --json FILE            writes the figures there too

  --opensips HOST:PORT   a CallStart against a real OpenSIPS instead, beside OpenSIPS's own share of it
  --caller USER --callee USER   its phones (alice, bob)

  --counts …             what a call costs in messages, rows and bytes: bench/counts
  --scale …              how many clients and calls one machine holds: bench/scale
  --neighbours …         what a tenant feels of one that floods: bench/tenants
  --webhooks …           what a call feels of webhooks to a receiver that hangs: bench/webhooks
`;

/** Some workloads at a place. */
export interface Stop {
  readonly place: Place;
  readonly workloads: readonly Workload[];
}

export interface Plan {
  readonly stops: readonly Stop[];
  readonly rounds: number;
  /** Of a round, where so many are in flight. */
  readonly length: (inFlight: number) => Length;
  /** Folder for the objects' storage; undefined: the system's for temporary files. */
  readonly data: string | undefined;
  readonly json: string | undefined;
}

/** Many short rounds: what else the machine does then falls on all contenders alike. */
const ROUNDS = 15;
const ROUNDS_OF_MATRIX = 3;
/** Operations a round at most, and its milliseconds: a disk that syncs slowly must not make it a long run. */
const COUNT_ALONE = 500;
const COUNT = 1_000;
const LIMIT_MS = 500;

const MATRIX = { inFlight: [1, 16, 64, 256], sockets: [1, 100], tenants: [1, 50] };

/** Reads the options; throws a sentence where they make no sense. */
export function planOf(args: readonly string[]): Plan | 'help' {
  const { values: given } = parseArgs({
    args: [...args],
    options: {
      all: { type: 'boolean', default: false },
      workloads: { type: 'string' },
      'in-flight': { type: 'string' },
      sockets: { type: 'string' },
      tenants: { type: 'string' },
      rounds: { type: 'string' },
      count: { type: 'string' },
      data: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (given.help) return 'help';
  const chosen = [given.workloads, given['in-flight'], given.sockets, given.tenants];
  const matrix = given.all || chosen.some((one) => one !== undefined);
  const count = given.count === undefined ? undefined : whole('count', given.count);
  const axis = (
    name: 'in-flight' | 'sockets' | 'tenants',
    all: readonly number[],
    usual: readonly number[],
  ) => given[name]?.split(',').map((text) => whole(name, text)) ?? (given.all ? all : usual);
  return {
    stops: matrix
      ? places(
          axis('tenants', MATRIX.tenants, [1]),
          axis('sockets', MATRIX.sockets, [1]),
          axis('in-flight', MATRIX.inFlight, [1, 64]),
        ).map((place) => ({ place, workloads: workloads(given.workloads) }))
      : promised(),
    rounds: given.rounds === undefined ? (matrix ? ROUNDS_OF_MATRIX : ROUNDS) : whole('rounds', given.rounds),
    length: (inFlight) =>
      count === undefined
        ? { count: inFlight === 1 ? COUNT_ALONE : COUNT, limitMs: LIMIT_MS }
        : { count, limitMs: Number.POSITIVE_INFINITY },
    data: given.data,
    json: given.json,
  };
}

/** By tenants first, which take long to start. Where sockets are fewer than tenants, there is one for each. */
function places(
  tenants: readonly number[],
  sockets: readonly number[],
  inFlight: readonly number[],
): Place[] {
  return tenants.flatMap((t) =>
    [...new Set(sockets.map((s) => Math.max(s, t)))].flatMap((s) =>
      inFlight.map((i) => ({ tenants: t, sockets: s, inFlight: i })),
    ),
  );
}

/** Those where something is promised, with what is promised there. */
function promised(): Stop[] {
  const inFlight = [...new Set(PROMISES.map((promise) => promise.inFlight))];
  return inFlight.flatMap((each) => {
    const here = PROMISES.filter((promise) => promise.inFlight === each);
    const [first] = here;
    return first ? [{ place: placeOf(first), workloads: here.map(({ workload }) => workload) }] : [];
  });
}

function workloads(list: string | undefined): readonly Workload[] {
  const names = list?.split(',');
  const unknown = names?.find((name) => !WORKLOADS.some((one) => one === name));
  if (unknown !== undefined)
    throw new Error(`there is no workload ${unknown}; there are ${WORKLOADS.join(', ')}`);
  return WORKLOADS.filter((workload) => names?.includes(workload) ?? true);
}

function whole(name: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${name} takes whole numbers from 1 on, not ${text}`);
  return Number(text);
}
