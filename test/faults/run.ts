/** The command line of the long fault run: `npm run test:faults -- --help`. @module */
import { mkdtemp } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { ENDS, runAborts } from '../dial/aborts.ts';
import { MAX_CORRECTION_MS, MI_DELAY_MS, OTHER_CALLS_PER_SECOND, runBusySite } from './busy-site.ts';
import { closeSharedBrowser } from './harness/chromium-driver.ts';
import type { AdaptersSetting, LinkMode } from './harness/linked-edge.ts';
import { startMiniflare } from './harness/miniflare.ts';
import { CLIENT_KINDS } from './harness/open-client.ts';
import {
  type FaultRates,
  forActiveAdapters,
  forSeveralAdapters,
  MINIFLARE_RATES,
  WORKERD_RATES,
  withDialer,
  withoutSharedFaults,
} from './injection/fault-rates.ts';
import { runKills } from './kills.ts';
import { COMPLETE_EVENTS, runLinkOutage } from './link-outage.ts';
import { formatReport, formatSeedResult } from './report.ts';
import { runSeed, type SeedOptions, type SeedResult } from './run-seed.ts';

const HELP = `Runs the whole system with faults at every layer, and compares what clients are notified of with what happened.

  --seeds N       number of seeds, from --first on (20)
  --first K       the first seed (1)
  --seed K        run this seed only
  --commands N    commands per seed (100)
  --client WHICH  who sends the commands: shipped (the client package in Node, the default), chromium (the same in a
                  browser), or bare (a client of these tests, which checks the order of all frames)
  --console       also opens the console in a browser, and compares its list with CallList in the end
  --adapters N    adapters of the site: 1 or 2 (1). With 2, each is also stopped and made to hang
  --active        two adapters that both serve the site, each beside an OpenSIPS of its own, which fails as well. Every third
                  seed spares one of them: its commands must not notice
  --replicated    the same beside one OpenSIPS, as with replicated dialogs: each adapter goes on with the calls of the other
  --link WHICH    who opens the link: accept (the adapter, the default) or dial (the edge, whose Dialer is aborted as well)
  --without-features  the adapter knows no features of the link that came after 0.2.0: it reads no list of its own, and is not told
                  which calls are waited for
  --jobs N        seeds that run at the same time (three per core)
  --cut-off S     instead: disconnect the adapter for S seconds under load, within and beyond its buffer
  --busy-site     instead: lose the events of calls on a site that is busy with calls of others
  --kills N       instead: kill -9 the processes of npm start N times while calls are started
  --rate R        with --kills: calls a second (50)
  --aborts N      instead: end each object, process and connection of a dialed site in turn, in the middle of N commands
  --help          this text

Every fourth seed runs on miniflare, which can evict objects; the others run on bare workerd, which can be killed.
`;

/** How soon clients must be served again after a kill. */
const MAX_BACK_MS = 5_000;

/** A buffer that overflows in every outage. */
const SMALL_BUFFER = 100;

const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    commands: { type: 'string', default: '100' },
    client: { type: 'string', default: 'shipped' },
    console: { type: 'boolean', default: false },
    adapters: { type: 'string' },
    active: { type: 'boolean', default: false },
    replicated: { type: 'boolean', default: false },
    link: { type: 'string', default: 'accept' },
    'without-features': { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(3 * availableParallelism()) },
    'cut-off': { type: 'string' },
    'busy-site': { type: 'boolean', default: false },
    kills: { type: 'string' },
    rate: { type: 'string', default: '50' },
    aborts: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const setting: AdaptersSetting = flags.replicated ? 'replicated' : flags.active ? 'active' : 'standby';
const isActive = setting !== 'standby';
const adapters = Number(flags.adapters ?? (isActive ? 2 : 1));
if (adapters !== 1 && adapters !== 2) throw new Error(`--adapters: "${flags.adapters}" is neither 1 nor 2.`);
if (isActive && adapters !== 2) throw new Error(`--${setting} needs two adapters: leave --adapters out.`);
const ratesFor = (rates: FaultRates) =>
  isActive ? forActiveAdapters(rates) : adapters === 2 ? forSeveralAdapters(rates) : rates;
const RATES = { workerd: ratesFor(WORKERD_RATES), miniflare: ratesFor(MINIFLARE_RATES) };

/** With `--active`, each of so many seeds spares one OpenSIPS. */
const SEEDS_PER_SPARED = 3;

// `exit` handlers end the child processes, which signals alone would not.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

if (flags.help) process.stdout.write(HELP);
else if (flags['cut-off'] !== undefined) process.exitCode = await runOutages(Number(flags['cut-off']));
else if (flags['busy-site']) process.exit(await runBusySiteOnce());
else if (flags.kills !== undefined) process.exit(await runKillsOnce(Number(flags.kills)));
else if (flags.aborts !== undefined) process.exit(await runAllAborts(Number(flags.aborts)));
// Half-open sockets and pending reconnects would otherwise keep the process alive.
else process.exit(await runSeeds());

async function runOutages(seconds: number): Promise<number> {
  const within = await runLinkOutage(seconds);
  const complete = within.calls.filter(
    ({ events, isActive }) => isActive && events.join() === COMPLETE_EVENTS.join(),
  ).length;
  const beyond = await runLinkOutage(seconds, SMALL_BUFFER);
  const ended = beyond.calls.filter(({ events, isActive }) => isActive && events.at(-1) === 'Ended').length;
  process.stdout.write(`disconnected for ${seconds} s: ${within.raised} events raised, ${within.replayed} messages replayed, \
${complete} of ${within.calls.length} calls with all notifications
beyond the buffer: ${beyond.raised} events raised, overflow logged: ${beyond.hasOverflowed}, \
${ended} of ${beyond.calls.length} calls with the right outcome\n`);
  const isComplete = complete === within.calls.length && within.replayed >= within.raised;
  return isComplete && beyond.hasOverflowed && ended === beyond.calls.length ? 0 : 1;
}

async function runBusySiteOnce(): Promise<number> {
  const { goneAfterMs, foundAfterMs, otherCalls } = await runBusySite();
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  process.stdout.write(`${OTHER_CALLS_PER_SECOND} calls of others a second (${otherCalls} in all), MI replies ${MI_DELAY_MS} ms late: \
the calls of the killed client were gone after ${seconds(goneAfterMs)} s, and the calls without events were found after \
${seconds(foundAfterMs)} s\n`);
  return Math.max(goneAfterMs, foundAfterMs) < MAX_CORRECTION_MS ? 0 : 1;
}

async function runKillsOnce(count: number): Promise<number> {
  const log = (line: string) => process.stdout.write(`${line}\n`);
  const { kills, orphans, checks } = await runKills(count, Number(flags.rate), log);
  const times = kills.map(({ backAfterMs }) => backAfterMs).sort((a, b) => a - b);
  for (const { invariant, details } of checks.violations) log(`${invariant}: ${details}`);
  log(`${kills.length} kills, back after ${times[Math.floor(times.length / 2)]} ms (median) and ${times.at(-1)} ms at most; \
${orphans} orphans; ${checks.commandCount} calls, ${checks.violations.length} violations, ${checks.indeterminate.length} with an unknown outcome`);
  return orphans === 0 && checks.violations.length === 0 && Math.max(...times) < MAX_BACK_MS ? 0 : 1;
}

async function runAllAborts(commands: number): Promise<number> {
  let violationCount = 0;
  for (const what of Object.keys(ENDS)) {
    const { ends, answered, errors, invites, violations } = await runAborts(what, commands);
    violationCount += violations.length;
    process.stdout.write(`${what} has ended ${ends} times in ${commands} commands: ${invites} INVITEs, ${answered} answered, \
errors by code ${JSON.stringify(errors)}, ${violations.length} violations\n`);
    for (const violation of violations) process.stdout.write(`  ${violation}\n`);
  }
  return violationCount === 0 ? 0 : 1;
}

async function runSeeds(): Promise<number> {
  const first = Number(flags.seed ?? flags.first);
  const count = flags.seed === undefined ? Number(flags.seeds) : 1;
  const commands = Number(flags.commands);
  const client = CLIENT_KINDS.find((kind) => kind === flags.client);
  if (!client)
    throw new Error(`--client: "${flags.client}" is not a client. Use ${CLIENT_KINDS.join(', ')}.`);
  const { link } = flags;
  if (link !== 'accept' && link !== 'dial')
    throw new Error(`--link: "${link}" is not a way to open the link. Use accept or dial.`);
  const logFolder = await mkdtemp(join(tmpdir(), 'call-api-faults-logs-'));
  const seeds = Array.from({ length: count }, (_, n) => first + n);
  const results: SeedResult[] = [];
  let crashed = 0;
  const runJob = async () => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      try {
        const result = await runSeed(seed, {
          ...selectPlatform(seed, link),
          commands,
          client,
          logFolder,
        });
        results.push(result);
        process.stdout.write(formatSeedResult(result, repeatFlags(commands, client)));
      } catch (error) {
        crashed++;
        process.stdout.write(`seed ${seed}: the run itself failed: ${inspect(error)}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, Number(flags.jobs)) }, runJob));
  await closeSharedBrowser();
  process.stdout.write(formatReport(results, RATES));
  return crashed > 0 || results.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

/** Returns the flags that repeat a seed of this run. */
function repeatFlags(commands: number, client: string): string {
  const others = `--link ${flags.link} ${isActive ? `--${setting}` : `--adapters ${adapters}`}${flags.console ? ' --console' : ''}${flags['without-features'] ? ' --without-features' : ''}`;
  return `--commands ${commands} --client ${client} ${others}`;
}

/** Miniflare has no console. */
function selectPlatform(
  seed: number,
  link: LinkMode,
): Pick<SeedOptions, 'faultRates' | 'harness' | 'console'> {
  const spared = setting === 'active' && seed % SEEDS_PER_SPARED === 0 ? seed % adapters : undefined;
  const adapted = (rates: FaultRates) => {
    const dialed = link === 'dial' ? withDialer(rates) : rates;
    return spared === undefined ? dialed : withoutSharedFaults(dialed);
  };
  const harness = { link, adapters, setting, spared, withoutFeatures: flags['without-features'] };
  if (seed % 4 !== 0) return { faultRates: adapted(RATES.workerd), console: flags.console, harness };
  return { faultRates: adapted(RATES.miniflare), harness: { ...harness, startEdge: startMiniflare } };
}
