/** What a call feels of webhooks: see {@link HELP}. @module */
import type { ChildProcess } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Tenants } from '../../test/stack/tenants.ts';
import { Children } from '../children.ts';
import { Caller } from '../project/caller.ts';
import { cpu } from '../scale/processes.ts';
import { median, quantile } from '../statistics.ts';
import { table } from '../table.ts';
import { DOES, KINDS } from './kinds.ts';
import { Target } from './target.ts';

const HELP = `npm run bench -- --webhooks [--rounds N] [--starts N]

Sites on one workerd, each with its adapter and its OpenSIPS: one for each kind of receiver that webhooks go to, and one without
webhooks, which tells what the machine's own unrest makes of a ratio. Each has turns of so many CallStarts with one in flight,
and four times as many with 16, a second or more of each; the first quarter warms up and is not counted. Next to each turn, now
before and now after it, a twin of the site has one, without webhooks and otherwise as old and as busy; a ratio is that of the two
medians, since a machine is seldom as fast for a minute as it is for two seconds. Given is the median of these ratios, and where
the middle half of them lies. The processor time is that of workerd for a CallStart with its CallEnd, with all that it does for
webhooks meanwhile; its ratio is that of all turns to all of the twin's.

Webhooks are sent in their own site's turn only, so that they are felt by its calls and not by who is next. A turn of the
receiver that answers lasts until it has all. Those that do not get all so fast are silenced at the end of their
turn, and sent what waits, with its next tries, from the beginning of the next one on. The one that dies is dead for the
first half of a turn.
`;

const IN_FLIGHT = [1, 16] as const;

/** Before a turn, in milliseconds: what its beginning takes is no part of it. */
const PAUSE_MS = 100;

const SIDES = ['none', ...KINDS] as const;

/** A site with its receiver, and its twin without. */
interface Side {
  readonly kind: (typeof SIDES)[number];
  readonly caller: Caller;
  readonly target: Target | undefined;
  readonly twin: Caller;
}

interface Turn {
  /** Milliseconds of each CallStart. */
  readonly took: readonly number[];
  /** Milliseconds of processor time that workerd used, in all. */
  readonly used: number;
}

/** A turn, and the one of the twin next to it. */
interface Pair {
  readonly kind: Side['kind'];
  readonly inFlight: number;
  readonly turn: Turn;
  readonly without: Turn;
}

/** Measures, and prints the medians side by side. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '8' },
      starts: { type: 'string', default: '100' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [rounds, starts] = [values.rounds, values.starts].map(Number);
  if (!rounds || !starts) throw new Error('--rounds and --starts take numbers from 1 on');
  const load = loadavg()[0] ?? Number.NaN;
  await using opened = new AsyncDisposableStack();
  const { edge, sides } = await open(opened);
  const done: Pair[] = [];
  // The first does not count: it warms all up.
  for (let round = -1; round < rounds; round++) {
    for (const inFlight of IN_FLIGHT) {
      for (let nth = 0; nth < sides.length; nth++) {
        const side = sides[(nth + round + 1) % sides.length];
        if (!side) continue;
        const count = inFlight > 1 ? 4 * starts : starts;
        const twin = () => play(edge, side.twin, count, inFlight);
        const before = round % 2 === 0 ? await twin() : undefined;
        await side.target?.begin();
        const turn = await play(edge, side.caller, count, inFlight, () => side.target?.turn());
        await side.target?.end();
        const without = before ?? (await twin());
        if (round >= 0) done.push({ kind: side.kind, inFlight, turn, without });
      }
    }
  }
  process.stdout.write(`${report(done)}\n${await reportOfReceivers(sides)}`);
  process.stdout.write(`\nLoad of the machine before: ${load.toFixed(2)}.\n`);
}

/** Brings all up. */
async function open(
  opened: AsyncDisposableStack,
): Promise<{ readonly edge: ChildProcess; readonly sides: readonly Side[] }> {
  const tenants = await Tenants.start({
    tenants: 1,
    sites: 2 * SIDES.length,
    simulated: { gaps: 0, keepLedger: false, timers: { listedAfterEnd: 0 } },
    settings: { limits: { messages_per_second: 10_000, starts_per_second: 10_000 } },
    webhooksToPrivate: true,
  });
  opened.use(tenants);
  const children = opened.use(new Children());
  const ports = await children.announced('the receivers', 'bench/webhooks/receivers.ts', []);
  const connect = async (nth: number) => {
    const { siteKey } = tenants.at(`t1-s${nth}`);
    const url = `ws://127.0.0.1:${tenants.port}/call-api?access_token=${siteKey}`;
    return opened.use(await Caller.connect(url));
  };
  const sides: Side[] = [];
  for (const [at, kind] of SIDES.entries()) {
    const nth = 2 * at + 1;
    const port = Number(ports.split(',')[at - (SIDES.length - KINDS.length)]);
    const target = kind === 'none' ? undefined : await Target.make(tenants, `s${nth}`, kind, port);
    sides.push({ kind, caller: await connect(nth), target, twin: await connect(nth + 1) });
  }
  return { edge: tenants.edge, sides };
}

/** One turn. @param half is called when half of the calls are begun */
async function play(
  edge: ChildProcess,
  caller: Caller,
  count: number,
  inFlight: number,
  half?: () => Promise<void> | undefined,
): Promise<Turn> {
  await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  const warm = Math.floor(count / 4);
  const took: number[] = [];
  let before = 0;
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next++;
      if (n === warm) before = cpu(edge);
      if (n === Math.floor(count / 2)) await half?.();
      const parties = { caller: `sip:keep.${n}@h.test`, callee: `sip:bob.${n}@h.test` };
      const from = performance.now();
      const callid = await caller.run('CallStart', parties);
      if (n >= warm) took.push(performance.now() - from);
      // Each call is ended before the next of its lane.
      await caller.run('CallEnd', { callid });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { took, used: cpu(edge) - before };
}

function report(done: readonly Pair[]): string {
  const rows = IN_FLIGHT.flatMap((inFlight) =>
    SIDES.map((kind) => {
      const pairs = done.filter((pair) => pair.inFlight === inFlight && pair.kind === kind);
      const ratios = pairs.map(({ turn, without }) => median(turn.took) / median(without.took));
      const [turns, twins] = [pairs.map(({ turn }) => turn), pairs.map(({ without }) => without)];
      const all = turns.flatMap(({ took }) => took);
      const used = (some: readonly Turn[]) => sum(some.map((turn) => turn.used));
      return [
        kind === 'none' ? 'no webhooks either' : DOES[kind],
        String(inFlight),
        `${median(turns.map(({ took }) => median(took))).toFixed(2)} ms`,
        `${quantile(all, 0.99).toFixed(2)} ms`,
        `${median(ratios).toFixed(2)} x`,
        `${quantile(ratios, 0.25).toFixed(2)}-${quantile(ratios, 0.75).toFixed(2)}`,
        `${(used(turns) / all.length).toFixed(2)} ms`,
        `${(used(turns) / used(twins)).toFixed(2)} x`,
      ];
    }),
  );
  const columns = ['in flight', 'median', '99 %', 'ratio', 'half of them', 'processor', 'ratio'];
  return table(['CallStart; the receiver', ...columns], rows);
}

function sum(values: readonly number[]): number {
  return values.reduce((one, other) => one + other, 0);
}

async function reportOfReceivers(sides: readonly Side[]): Promise<string> {
  const rows: string[][] = [];
  for (const { kind, target } of sides) {
    if (kind === 'none' || !target) continue;
    const { came, waiting, behind } = await target.state();
    rows.push([DOES[kind], ...[came, waiting, behind].map(String)]);
  }
  return table(['The receiver', 'webhooks that came', 'wait', 'numbers behind'], rows);
}
