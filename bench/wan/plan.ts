/** What `npm run bench -- --wan` measures: one run for each combination of its flags. Pure. @module */
import { parseArgs } from 'node:util';
import type { StandingRun } from './standing.ts';

/** A run: a load for some seconds, over a network. */
export interface Run {
  /** One way, on both connections of the edge, in milliseconds. */
  readonly delayMs: number;
  /** CallStarts a second. */
  readonly rate: number;
  /** Calls a second that no command makes. */
  readonly others: number;
  /** Clients that watch all calls. */
  readonly watchers: number;
  /** Whether each call of a CallStart is ended by a CallEnd. */
  readonly ends: boolean;
}

export interface Plan {
  readonly runs: readonly Run[];
  /** Runs with standing calls, which are made instead if there are any. */
  readonly standing: readonly StandingRun[];
  /** Whether the calls stand at the OpenSIPS on the PATH, whose processor time is measured. */
  readonly real: boolean;
  /** How long each run starts calls. */
  readonly seconds: number;
  /** The share of TCP segments that are lost. */
  readonly loss: number;
  /** Repetitions of each run, of which the table has the medians. */
  readonly repeat: number;
  /** Where the results are written as JSON. */
  readonly json: string;
}

export const HELP = `npm run bench -- --wan [options]

CallStarts over a network with delay, jitter and loss, between the clients and the edge and between the edge and the adapter. Without
options, a set of runs that takes about five minutes. Each of these options takes a list, and all combinations are run:

  --delay LIST      one way, in milliseconds (10,30,80,150)
  --rate LIST       CallStarts a second (1,20,50,100,150)
  --others LIST     calls of others a second (0,50)
  --watchers LIST   clients that watch all calls (0,1,100)

  --standing LIST   instead: a watched site with so many calls that stand, with each delay, for two minutes each
  --real            with --standing: at the OpenSIPS on the PATH without a network, and which share of a core that costs it

  --whole           ends each call that a CallStart has made
  --seconds N       how long each run starts calls (10)
  --loss PERCENT    of TCP segments (1)
  --repeat N        runs of each combination; the table has their medians (1)
  --json FILE       where the results are written as JSON (dist/wan.json)
`;

/** Cloudflare's objects and OpenSIPS in one region, on one continent, on two continents, and far apart. */
const DELAYS = [10, 30, 80, 150];
const RATES = [1, 20, 50, 100, 150];
const DEFAULTS = { delay: [30], rate: [50], others: [0], watchers: [0] };

/** The default set: each dimension by itself, at the delay and the rate that the targets name. */
const DEFAULT_RUNS: readonly Run[] = [
  ...RATES.map((rate) => ({ delayMs: 30, rate, others: 0, watchers: 0, ends: false })),
  ...[1, 20].map((rate) => ({ delayMs: 30, rate, others: 0, watchers: 0, ends: true })),
  { delayMs: 30, rate: 0, others: 50, watchers: 0, ends: false },
  ...DELAYS.map((delayMs) => ({ delayMs, rate: 50, others: 50, watchers: 0, ends: false })),
  ...[1, 100].map((watchers) => ({ delayMs: 30, rate: 50, others: 50, watchers, ends: false })),
];

/** Returns the plan; undefined for help. Throws where a flag has a wrong value. */
export function readPlan(args: readonly string[]): Plan | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      delay: text,
      rate: text,
      others: text,
      watchers: text,
      standing: text,
      whole: { type: 'boolean', default: false },
      real: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '10' },
      loss: { type: 'string', default: '1' },
      repeat: { type: 'string', default: '1' },
      json: { type: 'string', default: 'dist/wan.json' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { delay, rate, others, watchers, whole } = values;
  const isDefault = [delay, rate, others, watchers].every((list) => list === undefined) && !whole;
  const list = (flag: keyof typeof DEFAULTS) => {
    const given = values[flag];
    return given === undefined ? DEFAULTS[flag] : numbersOf(flag, given);
  };
  const standing = list('delay').flatMap((delayMs) =>
    numbersOf('standing', values.standing).map((calls) => ({ calls, delayMs })),
  );
  const runs = isDefault
    ? DEFAULT_RUNS
    : list('delay').flatMap((delayMs) =>
        list('rate').flatMap((perSecond) =>
          list('others').flatMap((ofOthers) =>
            list('watchers').map((count) => ({
              delayMs,
              rate: perSecond,
              others: ofOthers,
              watchers: count,
              ends: whole,
            })),
          ),
        ),
      );
  return {
    runs,
    standing,
    real: values.real,
    seconds: numberOf('seconds', values.seconds),
    loss: numberOf('loss', values.loss) / 100,
    repeat: Math.max(1, numberOf('repeat', values.repeat)),
    json: values.json,
  };
}

function numbersOf(flag: string, list: string | undefined): number[] {
  return list === undefined ? [] : list.split(',').map((each) => numberOf(flag, each));
}

function numberOf(flag: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${flag}: "${text}" is not a number of at least 0. Use one such as 30.`);
}
