/** Measures how a tenant that floods affects another tenant of the same workerd: see {@link HELP}. @module */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { HIGH_LIMITS } from '../../test/harness/high-limits.ts';
import { MultiTenantStack } from '../../test/harness/multi-tenant-stack.ts';
import { CallApiClient } from '../call-api/client.ts';
import { median } from '../statistics.ts';
import { table } from '../table.ts';
import type { FloodReport } from './flood.ts';

const HELP = `npm run bench -- --neighbours [--rounds N] [--echos N] [--starts N]

Two tenants on one workerd, each with its own adapter and OpenSIPS. The quiet tenant runs one command at a time. The noisy tenant,
with the default limits, sends Echos and CallStarts on four sockets: none, ten times its limit, or as many as are answered. Each
round measures all three levels.
`;

/** Messages per second of the noisy tenant, 0 for as many as are answered. Each of its four sockets may send 50. */
const LEVELS = { none: undefined, 'ten times its limit': 2_000, 'as many as are answered': 0 } as const;
type Level = keyof typeof LEVELS;

interface RoundResult {
  readonly level: Level;
  readonly echoMedianMs: number;
  readonly startMedianMs: number;
  readonly flood: FloodReport | undefined;
}

/** Measures, and prints the quiet tenant's medians for each level. */
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
  if (!rounds || !echos || !starts)
    throw new Error('--rounds, --echos and --starts must be positive integers');
  const simulatorOptions = { delayFactor: 0, keepLedger: false, timers: { listedAfterEndMs: 0 } };
  await using stack = await MultiTenantStack.start({ tenants: 2, sites: 1, simulatorOptions });
  const limits = HIGH_LIMITS;
  await stack.adminRequest('PATCH', '/tenants/t1', { limits });
  const url = (key: string) => `ws://127.0.0.1:${stack.port}/call-api?access_token=${key}`;
  using quiet = await CallApiClient.connect(url(stack.site('t1-s1').siteKey));
  using noisy = await NoisyTenant.start(url(stack.site('t2-s1').siteKey));

  const results: RoundResult[] = [];
  const levels = Object.keys(LEVELS) as Level[];
  // Round -1 is the warm-up.
  for (let round = -1; round < rounds; round++) {
    for (let n = 0; n < levels.length; n++) {
      // Each round starts with another level.
      const level = levels[(n + round + 1) % levels.length] ?? 'none';
      const rate = LEVELS[level];
      if (rate !== undefined) await noisy.startFlood(rate);
      const echoMedianMs = await measureEchos(quiet, echos);
      const startMedianMs = await measureStarts(quiet, starts);
      const flood = rate === undefined ? undefined : await noisy.stopFlood();
      if (round >= 0) results.push({ level, echoMedianMs, startMedianMs, flood });
    }
  }
  process.stdout.write(report(results, levels));
}

async function measureEchos(client: CallApiClient, count: number): Promise<number> {
  const durationsMs: number[] = [];
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    await client.run('Echo', { said: 'quiet' });
    durationsMs.push(performance.now() - start);
  }
  return median(durationsMs);
}

/** Ends each call before the next one starts, and measures only the CallStart. */
async function measureStarts(client: CallApiClient, count: number): Promise<number> {
  const durationsMs: number[] = [];
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    const parties = { caller: `sip:keep.${n}@h.test`, callee: `sip:bob.${n}@h.test` };
    const callid = await client.run('CallStart', parties);
    durationsMs.push(performance.now() - start);
    await client.run('CallEnd', { callid });
  }
  return median(durationsMs);
}

function report(results: readonly RoundResult[], levels: readonly Level[]): string {
  const medianOf = (level: Level, figure: (result: RoundResult) => number) =>
    median(results.filter((result) => result.level === level).map(figure));
  const echo = (level: Level) => medianOf(level, ({ echoMedianMs }) => echoMedianMs);
  const start = (level: Level) => medianOf(level, ({ startMedianMs }) => startMedianMs);
  const rows = levels.map((level) => {
    const perSecond = (count: (flood: FloodReport) => number) =>
      medianOf(level, ({ flood }) => (flood ? (count(flood) * 1_000) / flood.elapsedMs : Number.NaN));
    const sent = perSecond((flood) => flood.sent);
    const refused = perSecond((flood) => flood.refused);
    const closed = medianOf(level, ({ flood }) => flood?.closed ?? Number.NaN);
    return [
      level,
      ...[sent, refused, closed].map((figure) => (Number.isNaN(figure) ? '-' : figure.toFixed(0))),
      `${echo(level).toFixed(2)} ms`,
      `${(echo(level) / echo('none')).toFixed(2)} x`,
      `${start(level).toFixed(2)} ms`,
      `${(start(level) / start('none')).toFixed(2)} x`,
    ];
  });
  const header = [
    'the noisy tenant sends',
    'per second',
    'refused',
    'closed',
    'Echo',
    'ratio',
    'CallStart',
    'ratio',
  ];
  return `${table(header, rows)}\nEcho and CallStart: the quiet tenant's medians, and their ratio to those without noise.\n`;
}

/** Controls the process that floods. */
class NoisyTenant implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  static async start(url: string): Promise<NoisyTenant> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'flood.ts'), url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    process.once('exit', () => child.kill('SIGKILL'));
    const noisy = new NoisyTenant(child, createInterface(child.stdout));
    if ((await noisy.#readLine()) !== 'ready') throw new Error('the noisy tenant did not start');
    return noisy;
  }

  /** Resolves when the flood has started. After an earlier flood, its sockets must first be accepted again. */
  async startFlood(rate: number): Promise<void> {
    this.#child.stdin?.write(`${rate}\n`);
    await this.#readLine();
  }

  /** Resolves when all messages are answered. */
  async stopFlood(): Promise<FloodReport> {
    this.#child.stdin?.write('stop\n');
    return JSON.parse(await this.#readLine()) as FloodReport;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  async #readLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the noisy tenant exited unexpectedly');
    return value;
  }
}
