/** What a command costs where there is much of something: see {@link HELP}. @module */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import * as calls from './calls.ts';
import * as events from './events.ts';
import { type Outcome, sentence, type Verdict } from './outcome.ts';
import * as running from './running.ts';
import * as sessions from './sessions.ts';
import * as stored from './stored.ts';
import * as tenants from './tenants.ts';

const HELP = `npm run bench -- --scale [options] [sizes…]

What a command costs where there is much of something: stored commands, running ones, calls, sessions, tenants, events.
Everything stands on loopback, and each figure is compared with one of the same run. All together take half an hour.

  --only LIST     of stored, running, calls, sessions, tenants, events
  --rounds N      rounds that count (5)
  --seconds N     how long events come (60)
  --json FILE     writes the figures there too
  sizes…          how much there is of it, for one that --only names
`;

/** What is asked where nothing else is said. */
interface Question {
  readonly title: string;
  readonly sizes: readonly number[];
  ask(
    sizes: readonly number[],
    flags: { readonly rounds: number; readonly seconds: number },
  ): Promise<Outcome>;
}

const questions: Readonly<Record<string, Question>> = {
  stored: {
    title: 'Commands that have been run before',
    sizes: stored.SIZES,
    ask: (sizes, { rounds }) => stored.stored(sizes, rounds),
  },
  running: {
    title: 'Commands that run meanwhile',
    sizes: running.SIZES,
    ask: (sizes, { rounds }) => running.running(sizes, rounds),
  },
  calls: {
    title: 'Calls that stand, and those who watch',
    sizes: calls.SIZES,
    ask: (sizes, { rounds }) => calls.calls(sizes, rounds),
  },
  sessions: {
    title: 'Clients that are connected and idle',
    sizes: sessions.SIZES,
    ask: (sizes, { rounds }) => sessions.sessions(sizes, rounds),
  },
  tenants: {
    title: 'Sites that share one workerd',
    sizes: tenants.SIZES,
    ask: (sizes, { rounds }) => tenants.tenants(sizes, rounds),
  },
  events: {
    title: 'Events of an OpenSIPS',
    sizes: events.SIZES,
    ask: (rates, { seconds }) => events.events(rates, seconds),
  },
};

/** No question takes so long, in milliseconds, with its own sizes: past it something hangs. */
const PATIENCE_MS = 1_200_000;

/** Asks the questions; `sizes` are for the one that `--only` names. */
export async function main(args: string[]): Promise<void> {
  const { values: flags, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      scale: { type: 'boolean' },
      only: { type: 'string', default: Object.keys(questions).join(',') },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '60' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (flags.help) {
    print(HELP);
    return;
  }
  const verdicts: Verdict[] = [];
  const figures: Record<string, unknown> = {};
  for (const name of flags.only.split(',')) {
    const question = questions[name];
    if (!question) throw new Error(`there is no ${name}; there are ${Object.keys(questions).join(', ')}`);
    const sizes = positionals.length > 0 ? positionals.map(Number) : question.sizes;
    const numbers = { rounds: Number(flags.rounds), seconds: Number(flags.seconds) };
    print(`\n${question.title}\n\n`);
    const outcome = await within(PATIENCE_MS, question.ask(sizes, numbers), name);
    for (const table of outcome.tables) print(`${table}\n`);
    for (const verdict of outcome.verdicts) print(sentence(verdict));
    verdicts.push(...outcome.verdicts);
    figures[name] = outcome.figures;
  }
  if (flags.json) await writeFile(flags.json, `${JSON.stringify({ verdicts, figures }, null, 2)}\n`);
}

async function within<T>(ms: number, answer: Promise<T>, name: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${name} has not ended within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function print(text: string): void {
  process.stdout.write(text);
}
