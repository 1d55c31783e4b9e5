/** The scale benchmark: see {@link HELP}. @module */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type ScenarioResult, type TargetResult, targetLine } from './report.ts';
import * as activeCalls from './scenarios/active-calls.ts';
import * as eventRate from './scenarios/event-rate.ts';
import * as idleSessions from './scenarios/idle-sessions.ts';
import * as memory from './scenarios/memory.ts';
import * as runningCommands from './scenarios/running-commands.ts';
import * as sites from './scenarios/sites.ts';
import * as storedCommands from './scenarios/stored-commands.ts';

const HELP = `npm run bench -- --scale [options] [sizes…]

Measures what a command costs under load: stored commands, running commands, active calls, idle sessions, sites (tenants), events, memory.
Everything runs on loopback, and each figure is compared with one of the same run. All scenarios together take half an hour.

  --only LIST     of stored, running, calls, sessions, tenants, events, memory
  --rounds N      measured rounds (5)
  --seconds N     duration of the events scenario (60)
  --json FILE     also writes the results to FILE
  sizes…          amounts of load, for a single scenario that --only selects
`;

interface Scenario {
  readonly title: string;
  readonly defaultSizes: readonly number[];
  run(
    sizes: readonly number[],
    options: { readonly rounds: number; readonly seconds: number },
  ): Promise<ScenarioResult>;
}

/** By their names in `--only`. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  stored: {
    title: 'Stored commands',
    defaultSizes: storedCommands.DEFAULT_SIZES,
    run: (sizes, { rounds }) => storedCommands.measure(sizes, rounds),
  },
  running: {
    title: 'Running commands',
    defaultSizes: runningCommands.DEFAULT_SIZES,
    run: (sizes, { rounds }) => runningCommands.measure(sizes, rounds),
  },
  calls: {
    title: 'Active calls, and clients that watch them',
    defaultSizes: activeCalls.DEFAULT_SIZES,
    run: (sizes, { rounds }) => activeCalls.measure(sizes, rounds),
  },
  sessions: {
    title: 'Idle client sessions',
    defaultSizes: idleSessions.DEFAULT_SIZES,
    run: (sizes, { rounds }) => idleSessions.measure(sizes, rounds),
  },
  tenants: {
    title: 'Sites that share one workerd',
    defaultSizes: sites.DEFAULT_SIZES,
    run: (sizes, { rounds }) => sites.measure(sizes, rounds),
  },
  events: {
    title: 'Events from OpenSIPS',
    defaultSizes: eventRate.DEFAULT_RATES,
    run: (rates, { seconds }) => eventRate.measure(rates, seconds),
  },
  memory: {
    title: 'Memory of sites with many calls, in a heap of 128 MB',
    defaultSizes: memory.DEFAULT_SIZES,
    run: (sizes, { rounds }) => memory.measure(sizes, rounds),
  },
};

/** No scenario takes this long with its default sizes. */
const SCENARIO_TIMEOUT_MS = 1_200_000;

/** Runs the selected scenarios, prints the results, and writes them as JSON if `--json FILE` is given. */
export async function main(args: string[]): Promise<void> {
  const { values: options, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      scale: { type: 'boolean' },
      only: { type: 'string', default: Object.keys(SCENARIOS).join(',') },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '60' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) {
    print(HELP);
    return;
  }
  const targets: TargetResult[] = [];
  const measurements: Record<string, unknown> = {};
  for (const name of options.only.split(',')) {
    const scenario = SCENARIOS[name];
    if (!scenario)
      throw new Error(`--only: unknown scenario ${name}. Use ${Object.keys(SCENARIOS).join(', ')}.`);
    const sizes = positionals.length > 0 ? positionals.map(Number) : scenario.defaultSizes;
    print(`\n${scenario.title}\n\n`);
    const running = scenario.run(sizes, {
      rounds: Number(options.rounds),
      seconds: Number(options.seconds),
    });
    const result = await withTimeout(SCENARIO_TIMEOUT_MS, running, name);
    for (const table of result.tables) print(`${table}\n`);
    for (const target of result.targets) print(targetLine(target));
    targets.push(...result.targets);
    measurements[name] = result.measurements;
  }
  if (options.json) await writeFile(options.json, `${JSON.stringify({ targets, measurements }, null, 2)}\n`);
}

async function withTimeout<T>(ms: number, result: Promise<T>, name: string): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${name} has not ended within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([result, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function print(text: string): void {
  process.stdout.write(text);
}
