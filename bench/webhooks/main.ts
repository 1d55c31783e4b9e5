/** What a call feels of webhooks: see {@link HELP}. @module */
import { parseArgs } from 'node:util';
import type { EndpointView, EndpointWithSecret } from '../../shared/webhooks.ts';
import { Tenants } from '../../test/stack/tenants.ts';
import { Children } from '../children.ts';
import { Caller } from '../project/caller.ts';
import { median, quantile } from '../statistics.ts';
import { table } from '../table.ts';
import { until } from '../until.ts';

const HELP = `npm run bench -- --webhooks [--rounds N] [--starts N]

Three sites on one workerd, each with its adapter and its OpenSIPS: one without webhooks, one whose webhooks go to a
receiver that never answers, one whose go to a receiver that does. Each in turn runs CallStarts, one and 16 in flight; a
ratio is that of medians to the site without webhooks, each round's to the same round's.
`;

const RECEIVERS = ['none', 'hangs', 'answers'] as const;
type Kind = (typeof RECEIVERS)[number];
const IN_FLIGHT = [1, 16] as const;

interface Round {
  readonly kind: Kind;
  readonly inFlight: number;
  /** Milliseconds of each CallStart. */
  readonly took: readonly number[];
}

/** Measures, and prints the medians side by side. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '15' },
      starts: { type: 'string', default: '64' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [rounds, starts] = [values.rounds, values.starts].map(Number);
  if (!rounds || !starts) throw new Error('--rounds and --starts take numbers from 1 on');
  const simulated = { gaps: 0, keepLedger: false, timers: { listedAfterEnd: 0 } };
  const settings = { limits: { messages_per_second: 10_000, starts_per_second: 10_000 } };
  await using all = await Tenants.start({
    tenants: 1,
    sites: RECEIVERS.length,
    simulated,
    settings,
    webhooksToPrivate: true,
  });
  await using opened = new AsyncDisposableStack();
  const children = opened.use(new Children());
  const ports = await children.announced('the receivers', 'bench/webhooks/receivers.ts', []);
  const receivers = new Map<Kind, string | undefined>([
    ['hangs', ports.split(',')[0]],
    ['answers', ports.split(',')[1]],
  ]);
  const callers = new Map<Kind, Caller>();
  let drained = () => Promise.resolve(true);
  for (const [at, kind] of RECEIVERS.entries()) {
    const { siteKey, site } = all.at(`t1-s${at + 1}`);
    const url = `ws://127.0.0.1:${all.port}/call-api?access_token=${siteKey}`;
    callers.set(kind, opened.use(await Caller.connect(url)));
    const port = receivers.get(kind);
    if (port === undefined) continue;
    const webhooks = `/tenants/t1/sites/${site}/webhooks`;
    const { id } = await all.admin<EndpointWithSecret>('POST', webhooks, {
      url: `http://127.0.0.1:${port}/`,
    });
    if (kind === 'answers')
      drained = async () => (await all.admin<EndpointView>('GET', `${webhooks}/${id}`)).waiting === 0;
  }

  const done: Round[] = [];
  // The first does not count: it warms all up.
  for (let round = -1; round < rounds; round++) {
    for (const inFlight of IN_FLIGHT) {
      for (let turn = 0; turn < RECEIVERS.length; turn++) {
        const kind = RECEIVERS[(turn + round + 1) % RECEIVERS.length] ?? 'none';
        const caller = callers.get(kind);
        const took = caller ? await calls(caller, starts, inFlight) : [];
        if (round >= 0) done.push({ kind, inFlight, took });
        // What is still on its way would be felt by whoever is next.
        await until('the webhooks that are answered have come', drained);
      }
    }
  }
  process.stdout.write(report(done));
  const came = async (kind: Kind) => (await fetch(`http://127.0.0.1:${receivers.get(kind)}/`)).text();
  const [answered, not] = [await came('answers'), await came('hangs')];
  process.stdout.write(`\nWebhooks that came: ${answered} where they are answered, ${not} where not.\n`);
}

/** Each call is ended before the next of its lane; only its start is measured. */
async function calls(caller: Caller, count: number, inFlight: number): Promise<number[]> {
  const took: number[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next++;
      const from = performance.now();
      const parties = { caller: `sip:keep.${n}@h.test`, callee: `sip:bob.${n}@h.test` };
      const callid = await caller.run('CallStart', parties);
      took.push(performance.now() - from);
      await caller.run('CallEnd', { callid });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return took;
}

function report(done: readonly Round[]): string {
  const rows = IN_FLIGHT.flatMap((inFlight) => {
    const of = (kind: Kind) => done.filter((round) => round.inFlight === inFlight && round.kind === kind);
    const medians = (kind: Kind) => of(kind).map(({ took }) => median(took));
    const without = medians('none');
    return RECEIVERS.map((kind) => {
      const ratios = medians(kind).map((each, round) => each / (without[round] ?? Number.NaN));
      const p99 = quantile(
        of(kind).flatMap(({ took }) => took),
        0.99,
      );
      return [
        { none: 'no webhooks', hangs: 'to one that hangs', answers: 'to one that answers' }[kind],
        String(inFlight),
        `${median(medians(kind)).toFixed(2)} ms`,
        `${p99.toFixed(2)} ms`,
        `${median(ratios).toFixed(2)} x`,
      ];
    });
  });
  return table(['CallStart with', 'in flight', 'median', '99 %', 'ratio'], rows);
}
