/**
 * How much memory do the calls of sites take that share an isolate, and how long does a site take to answer after its sleep? An isolate
 * of the platform has 128 MB for all of its objects. V8's heap is capped at that, so workerd aborts if it does not suffice.
 * @module
 */
import { WebSocket } from 'ws';
import { dialogState } from '../../../shared/opensips/evi.ts';
import { findFreePort } from '../../../test/harness/stack.ts';
import { cpuTimeMs } from '../../process-usage.ts';
import { median, quantile } from '../../statistics.ts';
import { table } from '../../table.ts';
import { waitUntil } from '../../wait-until.ts';
import { ScaleHarness } from '../harness/harness.ts';
import { liveHeapMb } from '../harness/heap.ts';
import { connectScriptedAdapter, type ScriptedAdapter } from '../harness/scripted-adapter.ts';
import { formatCount, formatMegabytes, type ScenarioResult } from '../report.ts';

/** Active calls of a site. */
export const DEFAULT_SIZES = [10_000];

const SITES = 10;

/** The memory of an isolate (Cloudflare's documentation of limits). */
const HEAP_MB = 128;
const MAX_LIVE_MB = 80;
const MAX_ANSWER_MS = 250;

/** Every tenth active call has metadata of almost the allowed 2 KB. */
const METADATA_EVERY = 10;
const METADATA = { note: 'n'.repeat(2_000) };

/** Events of a site that are under way, so that the heap has what calls need and not a queue. */
const EVENTS_AT_A_TIME = 2_000;

/** Commands that are under way. */
const COMMANDS_AT_A_TIME = 32;

/** The platform hibernates an object ten seconds after its last event. */
const SLEEP_MS = 15_000;
const MAX_ATTEMPTS = 5;

/** What an answer took. */
interface Answer {
  /** From the request to the answer. */
  readonly ms: number;
  /** What workerd took of it, as far as the clock of the system tells (10 ms). */
  readonly cpuMs: number;
}

interface SizeMeasurement {
  readonly size: number;
  readonly emptyMb: number;
  readonly restoredMb: number;
  readonly listedMb: number;
  /** After a sleep, of each site. */
  readonly activeList: readonly Answer[];
  /** The same of a site without calls: what a machine takes anyway. */
  readonly emptyList: readonly Answer[];
  readonly endedList: readonly Answer[];
}

export async function measure(sizes: readonly number[], rounds: number): Promise<ScenarioResult> {
  const results: SizeMeasurement[] = [];
  for (const size of sizes) results.push(await measureSize(size, rounds));
  const shown = (answers: readonly Answer[]) => {
    const ms = answers.map((each) => each.ms);
    const cpuMs = median(answers.map((each) => each.cpuMs));
    return `${median(ms).toFixed(0)} / ${quantile(ms, 1).toFixed(0)} ms (CPU ${cpuMs.toFixed(0)} ms)`;
  };
  const rows = results.map((each) => [
    formatCount(each.size),
    formatMegabytes(each.emptyMb),
    `${(((each.restoredMb - each.emptyMb) * 2 ** 20) / (SITES * each.size)).toFixed(0)} B`,
    formatMegabytes(each.restoredMb),
    formatMegabytes(each.listedMb),
    shown(each.activeList),
    shown(each.emptyList),
    shown(each.endedList),
  ]);
  const last = results.at(-1);
  const worstMb = Math.max(...results.flatMap(({ restoredMb, listedMb }) => [restoredMb, listedMb]));
  const allMs = last?.activeList.map(({ ms }) => Math.round(ms)) ?? [];
  const worstMs = Math.max(...allMs);
  const load = `${SITES} sites with ${formatCount(last?.size ?? 0)} active and as many ended calls each`;
  return {
    tables: [
      table(
        [
          'active calls of a site',
          'empty',
          'for each active call',
          'after sleep',
          'after lists',
          'list of active calls after sleep (median / max)',
          'of an empty site',
          'then of ended calls',
        ],
        rows,
      ),
    ],
    targets: [
      {
        target: `${load} take at most ${MAX_LIVE_MB} MB of live heap`,
        isMet: worstMb <= MAX_LIVE_MB,
        measured: `${formatMegabytes(worstMb)} at worst`,
      },
      {
        target: `each of ${load} answers after its sleep within ${MAX_ANSWER_MS} ms`,
        isMet: worstMs <= MAX_ANSWER_MS,
        measured: `${worstMs} ms at worst: ${allMs.join(', ')}`,
      },
    ],
    measurements: results,
  };
}

async function measureSize(size: number, rounds: number): Promise<SizeMeasurement> {
  const inspectorPort = await findFreePort();
  await using harness = await ScaleHarness.start({ sites: 0, heap: { maxHeapMb: HEAP_MB, inspectorPort } });
  const adapters: ScriptedAdapter[] = [];
  for (let site = 0; site <= SITES; site++) {
    adapters.push(await connectScriptedAdapter(harness.url('adapter', site)));
    await harness.waitForAdapter(site);
  }
  const emptyMb = await liveHeapMb(harness.port, inspectorPort);
  for (const [site, adapter] of adapters.slice(0, SITES).entries()) await fill(harness, site, adapter, size);
  const activeList: Answer[] = [];
  const emptyList: Answer[] = [];
  const endedList: Answer[] = [];
  let restoredMb = 0;
  let listedMb = 0;
  for (let round = 0; round < rounds; round++) {
    await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
    for (let site = 0; site <= SITES; site++)
      (site < SITES ? activeList : emptyList).push(await listAfterSleep(harness, site));
    restoredMb = await liveHeapAwake(harness, inspectorPort);
    for (let site = 0; site < SITES; site++) endedList.push(await list(harness, site, 'ended'));
    listedMb = await liveHeapAwake(harness, inspectorPort);
  }
  return { size, emptyMb, restoredMb, listedMb, activeList, emptyList, endedList };
}

/** Gives a site active calls, some of which have metadata, and as many ended ones. */
async function fill(
  harness: ScaleHarness,
  site: number,
  adapter: ScriptedAdapter,
  size: number,
): Promise<void> {
  const { unconfirmed, ringing, answered, ended } = dialogState;
  for (let from = 0; from < 2 * size; from += EVENTS_AT_A_TIME) {
    const to = Math.min(2 * size, from + EVENTS_AT_A_TIME);
    await adapter.changeExternalCalls(from, to, [unconfirmed, ringing]);
    await adapter.changeExternalCalls(from, to, [ringing, answered]);
    // The second half is over.
    if (to > size) await adapter.changeExternalCalls(Math.max(from, size), to, [answered, ended]);
    const client = await harness.client(site);
    // Its end proves that the site has applied the events before it.
    await client.run('CallEnd', { callid: 'unknown' });
    client.close();
  }
  const client = await harness.client(site);
  for (let first = 0; first < size; first += METADATA_EVERY * COMMANDS_AT_A_TIME) {
    const numbers = Array.from({ length: COMMANDS_AT_A_TIME }, (_, n) => first + n * METADATA_EVERY);
    await Promise.all(
      numbers
        .filter((n) => n < size)
        .map((n) => client.run('CallUnhold', { callid: `external-${n}@192.0.2.7`, metadata: METADATA })),
    );
  }
  client.close();
}

/** Measures the heap while the objects of all sites are in memory. */
async function liveHeapAwake(harness: ScaleHarness, inspectorPort: number): Promise<number> {
  for (let site = 0; site < SITES; site++) await harness.health(site);
  return await liveHeapMb(harness.port, inspectorPort);
}

/** Lists active calls of a site that has hibernated. An alarm can have woken it just before, so there are some attempts. */
async function listAfterSleep(harness: ScaleHarness, site: number): Promise<Answer> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { constructed } = await harness.counters(site);
    const answer = await list(harness, site, 'answered');
    if ((await harness.counters(site)).constructed > constructed) return answer;
    await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
  }
  throw new Error(`The object of site ${site} has not hibernated`);
}

/** Lists calls of a site over a new socket. */
async function list(harness: ScaleHarness, site: number, state: string): Promise<Answer> {
  const cpuBefore = cpuTimeMs(harness.edge);
  const start = performance.now();
  const socket = new WebSocket(harness.url('call-api', site), { perMessageDeflate: false });
  const params = { state: [state], limit: 100 };
  socket.on('open', () => socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallList', params })));
  const text = await new Promise<string>((resolve, reject) => {
    socket.once('message', (bytes) => resolve(bytes.toString()));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`site ${site} closed the socket`)));
  });
  const answer = { ms: performance.now() - start, cpuMs: cpuTimeMs(harness.edge) - cpuBefore };
  socket.terminate();
  const { result } = JSON.parse(text) as { readonly result?: { readonly calls: readonly unknown[] } };
  if (site < SITES && !result?.calls.length)
    throw new Error(`site ${site} lists no calls: ${text.slice(0, 200)}`);
  await waitUntil(`site ${site} is connected`, async () => (await harness.health(site)).link.connected);
  return answer;
}
