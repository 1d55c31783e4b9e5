/** Parses the options of the speed benchmark into a plan of what to measure. Pure. @module */
import { parseArgs } from 'node:util';
import { WORKLOADS, type Workload } from '../call-api/workloads.ts';
import type { Configuration } from './benchmark.ts';
import type { RoundLimits } from './closed-loop.ts';
import { configurationOf, TARGETS } from './targets.ts';

export const HELP = `npm run bench -- [options]

Measures the Call API and its baselines (a UDP round trip, an object that echoes, two minimal relays) in alternating rounds.
Without options: the speed targets only.

  --all                  the whole matrix: every workload, 1, 16, 64 and 256 in flight, 1 and 100 sockets, 1 and 50 tenants;
                         takes about ten minutes
  --workloads LIST       of ${WORKLOADS.join(', ')}
  --in-flight LIST       concurrent operations
  --sockets LIST         client sockets in total; at least one for each tenant
  --tenants LIST         each tenant has its own object, adapter and simulator
  --rounds N             measured rounds, after one warm-up round (15; with any of the options above 3)
  --count N              operations per round (500 with one in flight, otherwise 1000, but at most half a second)
  --data DIR             directory of the objects' storage: the sync time of its disk matters much
                         (default: the system's directory for temporary files)
  --json FILE            also writes the results to FILE

  --opensips HOST:PORT   measures a CallStart against a real OpenSIPS instead, and OpenSIPS's own share of its duration
  --caller USER --callee USER   the phones that it calls (alice, bob)

Other benchmarks:
  --counts …             messages, rows and bytes of each command: bench/counts
  --scale …              how many clients and calls one machine can serve: bench/scale
  --neighbours …         how a tenant that floods affects another one: bench/neighbors
  --front …              what the front of npm start adds to a request: bench/front
  --webhooks …           how slow and failing webhook receivers affect calls: bench/webhooks
`;

/** Workloads to measure in one configuration. */
export interface PlanStep {
  readonly configuration: Configuration;
  readonly workloads: readonly Workload[];
}

export interface Plan {
  readonly steps: readonly PlanStep[];
  readonly rounds: number;
  /** Returns the limits of a round. */
  readonly limits: (inFlight: number) => RoundLimits;
  /** Directory for the objects' storage; undefined for the system's directory for temporary files. */
  readonly dataDirectory: string | undefined;
  readonly jsonFile: string | undefined;
}

/** Many short rounds, so that other load on the machine affects all benchmarks alike. */
const ROUNDS = 15;
const MATRIX_ROUNDS = 3;
/** Maximum operations per round, with one and with several in flight. */
const COUNT_ONE_IN_FLIGHT = 500;
const COUNT = 1_000;
/** Keeps a round short on a disk that syncs slowly. */
const ROUND_LIMIT_MS = 500;

const MATRIX = { inFlight: [1, 16, 64, 256], sockets: [1, 100], tenants: [1, 50] };

/** Parses the options. Throws an error with a message for the user if they are invalid. */
export function parsePlan(args: readonly string[]): Plan | 'help' {
  const { values: options } = parseArgs({
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
  if (options.help) return 'help';
  const selections = [options.workloads, options['in-flight'], options.sockets, options.tenants];
  const isMatrix = options.all || selections.some((selection) => selection !== undefined);
  const count = options.count === undefined ? undefined : positiveInteger('count', options.count);
  const dimension = (
    name: 'in-flight' | 'sockets' | 'tenants',
    all: readonly number[],
    defaults: readonly number[],
  ) => options[name]?.split(',').map((text) => positiveInteger(name, text)) ?? (options.all ? all : defaults);
  const defaultRounds = isMatrix ? MATRIX_ROUNDS : ROUNDS;
  return {
    steps: isMatrix
      ? configurations(
          dimension('tenants', MATRIX.tenants, [1]),
          dimension('sockets', MATRIX.sockets, [1]),
          dimension('in-flight', MATRIX.inFlight, [1, 64]),
        ).map((configuration) => ({ configuration, workloads: parseWorkloads(options.workloads) }))
      : targetSteps(),
    rounds: options.rounds === undefined ? defaultRounds : positiveInteger('rounds', options.rounds),
    limits: (inFlight) =>
      count === undefined
        ? { count: inFlight === 1 ? COUNT_ONE_IN_FLIGHT : COUNT, limitMs: ROUND_LIMIT_MS }
        : { count, limitMs: Number.POSITIVE_INFINITY },
    dataDirectory: options.data,
    jsonFile: options.json,
  };
}

/** Combines the dimensions, grouped by tenants, which take long to start. Raises sockets to one for each tenant. */
function configurations(
  tenantCounts: readonly number[],
  socketCounts: readonly number[],
  inFlightCounts: readonly number[],
): Configuration[] {
  return tenantCounts.flatMap((tenants) =>
    [...new Set(socketCounts.map((sockets) => Math.max(sockets, tenants)))].flatMap((sockets) =>
      inFlightCounts.map((inFlight) => ({ tenants, sockets, inFlight })),
    ),
  );
}

/** Returns the configurations that have targets, with the workloads of these targets. */
function targetSteps(): PlanStep[] {
  const inFlightCounts = [...new Set(TARGETS.map(({ inFlight }) => inFlight))];
  return inFlightCounts.flatMap((inFlight) => {
    const targets = TARGETS.filter((target) => target.inFlight === inFlight);
    const [first] = targets;
    if (!first) return [];
    return [{ configuration: configurationOf(first), workloads: targets.map(({ workload }) => workload) }];
  });
}

function parseWorkloads(list: string | undefined): readonly Workload[] {
  const names = list?.split(',');
  const unknown = names?.find((name) => !WORKLOADS.some((workload) => workload === name));
  if (unknown !== undefined)
    throw new Error(`--workloads: unknown workload ${unknown}. Use ${WORKLOADS.join(', ')}.`);
  return WORKLOADS.filter((workload) => names?.includes(workload) ?? true);
}

function positiveInteger(option: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${option}: ${text} is not a positive integer`);
  return Number(text);
}
