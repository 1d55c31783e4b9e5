/** The long run: `npm run test:faults -- --help`. @module */
import { mkdtemp } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { cutOff, WHOLE } from './cut-off.ts';
import { startMiniflare } from './miniflare.ts';
import { failures, report } from './report.ts';
import { STATED, STATED_ON_MINIFLARE } from './rules.ts';
import { runSeed, type SeedOptions, type SeedResult } from './seed.ts';

const HELP = `Runs the whole system with faults at every layer and holds what clients are told against what happened.

  --seeds N       run the seeds from --first on (20)
  --first K       the first of them (1)
  --seed K        run this one only
  --commands N    commands to a seed (100)
  --jobs N        seeds at a time (three for each core)
  --cut-off S     instead: cut the adapter off for S seconds under load, within its buffer and beyond it
  --help          this text

Every fourth seed runs on miniflare, where objects can be evicted; the others on bare workerd, which can be killed.
`;

const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    commands: { type: 'string', default: '100' },
    jobs: { type: 'string', default: String(3 * availableParallelism()) },
    'cut-off': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

// Whatever ends this, its children go with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

if (flags.help) process.stdout.write(HELP);
else if (flags['cut-off'] !== undefined) process.exitCode = await cutOffFor(Number(flags['cut-off']));
// What the faults have left hanging (half-open sockets, reconnects) must not keep it from ending.
else process.exit(await main());

async function cutOffFor(seconds: number): Promise<number> {
  const within = await cutOff(seconds);
  const whole = within.calls.filter(({ told, stands }) => stands && told.join() === WHOLE.join()).length;
  const beyond = await cutOff(seconds, 100);
  const settled = beyond.calls.filter(({ told, stands }) => stands && told.at(-1) === 'Ended').length;
  process.stdout.write(`cut off for ${seconds} s: ${within.raised} events raised, ${within.replayed} messages replayed, \
${whole} of ${within.calls.length} calls told whole
beyond its buffer: ${beyond.raised} events raised, a gap told: ${beyond.overflowed}, \
${settled} of ${beyond.calls.length} calls settled rightly\n`);
  const right = whole === within.calls.length && within.replayed >= within.raised && beyond.overflowed;
  return right && settled === beyond.calls.length ? 0 : 1;
}

async function main(): Promise<number> {
  const first = Number(flags.seed ?? flags.first);
  const count = flags.seed === undefined ? Number(flags.seeds) : 1;
  const commands = Number(flags.commands);
  const logs = await mkdtemp(join(tmpdir(), 'call-api-faults-logs-'));
  const left = Array.from({ length: count }, (_, n) => first + n);
  const results: SeedResult[] = [];
  let broken = 0;
  const job = async () => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      try {
        const result = await runSeed(seed, { ...howToRun(seed), commands, logs });
        results.push(result);
        process.stdout.write(failures(result, commands));
      } catch (error) {
        broken++;
        process.stdout.write(`seed ${seed}: the bench itself has failed: ${inspect(error)}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, Number(flags.jobs)) }, job));
  process.stdout.write(report(results, { workerd: STATED, miniflare: STATED_ON_MINIFLARE }));
  return broken > 0 || results.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

function howToRun(seed: number): Pick<SeedOptions, 'rules' | 'world'> {
  if (seed % 4 !== 0) return { rules: STATED };
  return { rules: STATED_ON_MINIFLARE, world: { edge: startMiniflare } };
}
