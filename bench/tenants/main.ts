/** What a tenant feels of another that floods the same workerd: see {@link HELP}. @module */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Tenants } from '../../test/stack/tenants.ts';
import { Caller } from '../project/caller.ts';
import { median } from '../statistics.ts';
import { table } from '../table.ts';
import type { Noise } from './noise.ts';

const HELP = `npm run bench -- --neighbours [--rounds N] [--echos N] [--starts N]

Two tenants on one workerd, each with its adapter and its OpenSIPS. The quiet one asks for one thing at a time; the noisy
one, with limits as they are by default, sends Echos and CallStarts on four sockets: not at all, ten times as many as it
may, and as many as are answered. The three take turns within each round.
`;

/** Messages a second of the noisy tenant: its four sockets may send 50 each. */
const LEVELS = { alone: undefined, 'ten times its limits': 2_000, 'all that is answered': 0 } as const;
type Level = keyof typeof LEVELS;

interface Round {
  readonly level: Level;
  /** Medians, in milliseconds. */
  readonly echo: number;
  readonly start: number;
  readonly noise: Noise | undefined;
}

/** Measures, and prints the quiet tenant's medians side by side. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '10' },
      echos: { type: 'string', default: '200' },
      starts: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [rounds, echos, starts] = [values.rounds, values.echos, values.starts].map(Number);
  if (!rounds || !echos || !starts) throw new Error('--rounds, --echos and --starts take numbers from 1 on');
  const simulated = { gaps: 0, keepLedger: false, timers: { listedAfterEnd: 0 } };
  await using all = await Tenants.start({ tenants: 2, sites: 1, simulated });
  const limits = { messages_per_second: 10_000, starts_per_second: 10_000 };
  await all.admin('PATCH', '/tenants/t1', { limits });
  const url = (key: string) => `ws://127.0.0.1:${all.port}/call-api?access_token=${key}`;
  using quiet = await Caller.connect(url(all.at('t1-s1').siteKey));
  using noisy = await Noisy.start(url(all.at('t2-s1').siteKey));

  const done: Round[] = [];
  const levels = Object.keys(LEVELS) as Level[];
  // The first does not count: it warms all up.
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < levels.length; turn++) {
      const level = levels[(turn + round + 1) % levels.length] ?? 'alone';
      const rate = LEVELS[level];
      if (rate !== undefined) await noisy.begin(rate);
      const echo = await medianOf(echos, () => quiet.run('Echo', { said: 'quiet' }));
      const start = await calls(quiet, starts);
      const noise = rate === undefined ? undefined : await noisy.end();
      if (round >= 0) done.push({ level, echo, start, noise });
    }
  }
  process.stdout.write(report(done, levels));
}

/** Each call is ended before the next; only its start is measured. */
async function calls(quiet: Caller, count: number): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const from = performance.now();
    const parties = { caller: `sip:keep.${n}@h.test`, callee: `sip:bob.${n}@h.test` };
    const callid = await quiet.run('CallStart', parties);
    took.push(performance.now() - from);
    await quiet.run('CallEnd', { callid });
  }
  return median(took);
}

async function medianOf(count: number, run: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const from = performance.now();
    await run();
    took.push(performance.now() - from);
  }
  return median(took);
}

function report(done: readonly Round[], levels: readonly Level[]): string {
  const of = (level: Level, figure: (round: Round) => number) =>
    median(done.filter((round) => round.level === level).map(figure));
  const rows = levels.map((level) => {
    const [echo, start] = [of(level, (round) => round.echo), of(level, (round) => round.start)];
    const perSecond = (count: (noise: Noise) => number) =>
      of(level, ({ noise }) => (noise ? (count(noise) * 1_000) / noise.ms : Number.NaN));
    const sent = perSecond((noise) => noise.sent);
    const refused = perSecond((noise) => noise.refused);
    const closed = of(level, ({ noise }) => noise?.closed ?? Number.NaN);
    return [
      level,
      ...[sent, refused, closed].map((figure) => (Number.isNaN(figure) ? '-' : figure.toFixed(0))),
      `${echo.toFixed(2)} ms`,
      `${(echo / of('alone', (round) => round.echo)).toFixed(2)} x`,
      `${start.toFixed(2)} ms`,
      `${(start / of('alone', (round) => round.start)).toFixed(2)} x`,
    ];
  });
  const header = [
    'the noisy tenant sends',
    'a second',
    'refused',
    'closed',
    'Echo',
    'ratio',
    'CallStart',
    'ratio',
  ];
  return `${table(header, rows)}\nThe quiet tenant's medians, and how they compare with those when it is alone.\n`;
}

/** The process that floods. */
class Noisy implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  static async start(url: string): Promise<Noisy> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'noise.ts'), url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    process.once('exit', () => child.kill('SIGKILL'));
    const noisy = new Noisy(child, createInterface(child.stdout));
    if ((await noisy.#line()) !== 'ready') throw new Error('the noisy tenant did not start');
    return noisy;
  }

  /** Floods from now on; resolves when it does, which after a flood takes until it is let in again. */
  async begin(rate: number): Promise<void> {
    this.#child.stdin?.write(`${rate}\n`);
    await this.#line();
  }

  /** Stops; resolves when all is answered. */
  async end(): Promise<Noise> {
    this.#child.stdin?.write('off\n');
    return JSON.parse(await this.#line()) as Noise;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the noisy tenant ended by itself');
    return value;
  }
}
