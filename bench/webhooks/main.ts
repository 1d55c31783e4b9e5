/** What a call feels of webhooks: see {@link HELP}. @module */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Tenants } from '../../test/stack/tenants.ts';
import { Children } from '../children.ts';
import { Caller } from '../project/caller.ts';
import { median, quantile } from '../statistics.ts';
import { table } from '../table.ts';
import { DOES, KINDS, type Kind } from './kinds.ts';
import { Target } from './target.ts';

const HELP = `npm run bench -- --webhooks [--rounds N] [--starts N]

Sites on one workerd, each with its adapter and its OpenSIPS: two without webhooks, of which the second tells what the
machine's own unrest makes of a ratio, and one for each kind of receiver that webhooks go to. In turns, each runs so many
CallStarts with one in flight, and four times as many with 16, a second or more of each; a ratio is that of medians to the
first site, each round's to the same round's.

Webhooks are sent in their own site's turn only, so that they are felt by its calls and not by who is next. A turn of the
receiver that answers lasts until it has all. Those that do not get all so fast are silenced at the end of their
turn, and sent what waits, with its next tries, from the beginning of the next one on. The one that dies is dead for the
first half of a turn.
`;

const IN_FLIGHT = [1, 16] as const;

/** Before a turn, in milliseconds: what its beginning takes is no part of it. */
const PAUSE_MS = 100;

/** What a site has for its webhooks; the first two have none. */
const SIDES = ['none', 'again', ...KINDS] as const;

/** A site, with its receiver. */
interface Side {
  readonly kind: (typeof SIDES)[number];
  readonly caller: Caller;
  readonly target: Target | undefined;
}

const WITHOUT = { none: 'no webhooks', again: 'no webhooks, once more' };

interface Round {
  readonly kind: Side['kind'];
  readonly inFlight: number;
  /** Milliseconds of each CallStart. */
  readonly took: readonly number[];
}

/** Measures, and prints the medians side by side. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      starts: { type: 'string', default: '160' },
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
  const sides = await open(opened);
  const done: Round[] = [];
  // The first does not count: it warms all up.
  for (let round = -1; round < rounds; round++) {
    for (const inFlight of IN_FLIGHT) {
      for (let turn = 0; turn < sides.length; turn++) {
        const side = sides[(turn + round + 1) % sides.length];
        if (!side) continue;
        const took = await play(side, inFlight > 1 ? 4 * starts : starts, inFlight);
        if (round >= 0) done.push({ kind: side.kind, inFlight, took });
      }
    }
  }
  process.stdout.write(`${report(done)}\n${await reportOfReceivers(sides)}`);
  process.stdout.write(`\nLoad of the machine before: ${load.toFixed(2)}.\n`);
}

/** Brings all up. */
async function open(opened: AsyncDisposableStack): Promise<Side[]> {
  const tenants = await Tenants.start({
    tenants: 1,
    sites: SIDES.length,
    simulated: { gaps: 0, keepLedger: false, timers: { listedAfterEnd: 0 } },
    settings: { limits: { messages_per_second: 10_000, starts_per_second: 10_000 } },
    webhooksToPrivate: true,
  });
  opened.use(tenants);
  const children = opened.use(new Children());
  const ports = await children.announced('the receivers', 'bench/webhooks/receivers.ts', []);
  const sides: Side[] = [];
  for (const [at, kind] of SIDES.entries()) {
    const { siteKey, site } = tenants.at(`t1-s${at + 1}`);
    const url = `ws://127.0.0.1:${tenants.port}/call-api?access_token=${siteKey}`;
    const caller = opened.use(await Caller.connect(url));
    const port = Number(ports.split(',')[at - (SIDES.length - KINDS.length)]);
    const target = hasReceiver(kind) ? await Target.make(tenants, site, kind, port) : undefined;
    sides.push({ kind, caller, target });
  }
  return sides;
}

/** One turn: how long each of its CallStarts took, in milliseconds. */
async function play({ caller, target }: Side, count: number, inFlight: number): Promise<number[]> {
  await target?.begin();
  await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  const took: number[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next++;
      if (n === Math.floor(count / 2)) await target?.turn();
      const parties = { caller: `sip:keep.${n}@h.test`, callee: `sip:bob.${n}@h.test` };
      const from = performance.now();
      const callid = await caller.run('CallStart', parties);
      took.push(performance.now() - from);
      // Each call is ended before the next of its lane.
      await caller.run('CallEnd', { callid });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  await target?.end();
  return took;
}

function report(done: readonly Round[]): string {
  const rows = IN_FLIGHT.flatMap((inFlight) => {
    const of = (kind: Side['kind']) =>
      done.filter((round) => round.inFlight === inFlight && round.kind === kind);
    const medians = (kind: Side['kind']) => of(kind).map(({ took }) => median(took));
    const without = medians('none');
    return SIDES.map((kind) => {
      const ratios = medians(kind).map((each, round) => each / (without[round] ?? Number.NaN));
      const all = of(kind).flatMap(({ took }) => took);
      return [
        hasReceiver(kind) ? DOES[kind] : WITHOUT[kind],
        String(inFlight),
        `${median(medians(kind)).toFixed(2)} ms`,
        `${quantile(all, 0.99).toFixed(2)} ms`,
        `${median(ratios).toFixed(2)} x`,
      ];
    });
  });
  return table(['CallStart; the receiver', 'in flight', 'median', '99 %', 'ratio'], rows);
}

async function reportOfReceivers(sides: readonly Side[]): Promise<string> {
  const rows: string[][] = [];
  for (const { kind, target } of sides) {
    if (!hasReceiver(kind) || !target) continue;
    const { came, waiting } = await target.state();
    rows.push([DOES[kind], String(came), String(waiting)]);
  }
  return table(['The receiver', 'webhooks that came', 'wait'], rows);
}

function hasReceiver(kind: Side['kind']): kind is Kind {
  return kind !== 'none' && kind !== 'again';
}
