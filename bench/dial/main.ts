/**
 * `npm run bench -- --dial`: counts what a site costs whose adapter is dialed: while it is idle, for an event that the adapter delivers by
 * a knock, and while its link is kept. Prints dollars a month.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEdge } from '../../selfhost/workerd.ts';
import { CallWatcher } from '../../test/harness/call-watcher.ts';
import { MultiTenantStack } from '../../test/harness/multi-tenant-stack.ts';
import {
  type AdapterProcess,
  findFreePort,
  findFreeUdpPort,
  spawnAdapter,
  waitUntil,
} from '../../test/harness/stack.ts';
import { table } from '../table.ts';
import { type DialCounts, priceOf } from './price.ts';

const MONTH_S = 30 * 86_400;
/** The shortest, so that the benchmark is short. */
const IDLE_S = 10;
/** Longer than the Dialer's alarm that keeps it alive, in seconds. */
const KEPT_S = 310;
/** Sites that share a Dialer: `MAX_SITES` in `worker/dialer/capacity.ts`. */
const SITES_OF_DIALER = 200;

/** Calls that are reported by knocks alone. */
const KNOCKS = 10;
const KNOCK_LIMIT_MS = 2_000;

interface Measurement {
  readonly counts: DialCounts;
  readonly openSeconds: number;
}

/** Measures, and prints a table. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { 'kept-seconds': { type: 'string' } } });
  const keptSeconds = Number(values['kept-seconds'] ?? KEPT_S);
  await using site = await DialedSite.start();
  await site.setLink(false);
  const knocked = await site.measureUntilClosed(() => site.makeCall());
  const idle = await site.measure(IDLE_S);
  await site.setLink(true);
  await site.waitForLink(true);
  const kept = await site.measure(keptSeconds);
  const [slowest = Number.NaN] = (await site.timeKnocks()).sort((a, b) => b - a);
  const perMonth = ({ counts, openSeconds }: Measurement, times: number, sharedBy = 1) =>
    `$${((priceOf(counts, openSeconds) * times) / sharedBy).toFixed(4)}`;
  const keptTimes = MONTH_S / keptSeconds;
  const rows = [
    ['idle', cells(idle), perMonth(idle, MONTH_S / IDLE_S)],
    [
      `a call of others an hour, by knocks; idle_s ${IDLE_S}`,
      cells(knocked),
      perMonth(knocked, MONTH_S / 3_600),
    ],
    [
      `a call of others a minute, by knocks; idle_s ${IDLE_S}`,
      cells(knocked),
      perMonth(knocked, MONTH_S / 60),
    ],
    ['kept', cells(kept), perMonth(kept, keptTimes)],
    [
      `kept, with ${SITES_OF_DIALER} sites on its Dialer`,
      cells(kept),
      perMonth(kept, keptTimes, SITES_OF_DIALER),
    ],
  ].map((row) => row.flat());
  const header = ['a dialed site', 'Worker requests', 'object requests', 'messages', 'alarms set', 'run'];
  process.stdout.write(
    `Counted of one knock with what follows, of ${IDLE_S} s idle and of ${keptSeconds} s kept; projected to 30 days.\n${table([...header, 'rows', 'seconds open', 'a month'], rows)}While the edge cannot dial, a call reaches a watcher by a knock within ${slowest.toFixed(0)} ms (slowest of ${KNOCKS}; limit ${KNOCK_LIMIT_MS}).\n`,
  );
}

function cells({ counts, openSeconds }: Measurement): string[] {
  const { workerRequests, requests, messages, alarmsSet, alarmsRun, rowsWritten } = counts;
  return [workerRequests, requests, messages, alarmsSet, alarmsRun, rowsWritten, openSeconds].map((value) =>
    value.toFixed(0),
  );
}

class DialedSite implements AsyncDisposable {
  readonly #stack: MultiTenantStack;
  readonly #adapter: AdapterProcess;
  readonly #url: string;

  private constructor(stack: MultiTenantStack, adapter: AdapterProcess, url: string) {
    this.#stack = stack;
    this.#adapter = adapter;
    this.#url = url;
  }

  static async start(): Promise<DialedSite> {
    const stack = await MultiTenantStack.start({
      tenants: 1,
      sites: 1,
      sitesWithoutAdapter: ['t1-s1'],
      launch: (edge) => startEdge({ ...edge, entry: 'bench/dial/worker.js', allowLoopbackAdapters: true }),
    });
    const { simulator, adapterKey } = stack.site('t1-s1');
    const listen = `127.0.0.1:${await findFreePort()}`;
    const url = `http://${listen}/link`;
    const adapter = spawnAdapter({
      OPENSIPS_MI: `${simulator.mi.host}:${simulator.mi.port}`,
      EDGE_URL: `ws://127.0.0.1:${stack.port}/adapter`,
      ADAPTER_LISTEN: listen,
      ADAPTER_PUBLIC_URL: url,
      EVI_LISTEN: `127.0.0.1:${await findFreeUdpPort()}`,
      ADAPTER_KEY: adapterKey,
      SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
    });
    await waitUntil(() => adapter.log().includes('Listening for the edge.'));
    return new DialedSite(stack, adapter, url);
  }

  async setLink(keep: boolean, url = this.#url): Promise<void> {
    const link = { mode: 'dial', url, idle_s: IDLE_S, keep };
    await this.#stack.adminRequest('PATCH', '/tenants/t1/sites/s1', { link });
  }

  waitForLink(isOpen: boolean): Promise<void> {
    return waitUntil(async () => (await this.#isOpen()) === isOpen);
  }

  /** A call that is not made here: the adapter has events to deliver. */
  async makeCall(): Promise<void> {
    await this.#stack.site('t1-s1').simulator.dial({ from: 'carol', to: 'dave' });
    await this.waitForLink(true);
  }

  /** Returns how long it takes until a watcher sees a call, in milliseconds, while the edge dials in vain. */
  async timeKnocks(): Promise<number[]> {
    await this.setLink(false, `http://127.0.0.1:${await findFreePort()}/link`);
    await this.waitForLink(false);
    const { simulator, siteKey } = this.#stack.site('t1-s1');
    const watcher = await CallWatcher.connect(
      `ws://127.0.0.1:${this.#stack.port}/call-api?access_token=${siteKey}`,
    );
    const times: number[] = [];
    for (let n = 0; n < KNOCKS; n++) {
      // Not only the first knock, which is sent at once.
      await delay(n * 150);
      const startedAt = performance.now();
      const seenBefore = watcher.calls.size;
      void simulator.dial({ from: `carol.${n}`, to: `dave.${n}` });
      await waitUntil(() => watcher.calls.size > seenBefore);
      times.push(performance.now() - startedAt);
    }
    watcher.close();
    return times;
  }

  async measure(seconds: number): Promise<Measurement> {
    const isOpen = await this.#isOpen();
    const before = await this.#counts();
    await delay(seconds * 1_000);
    return { counts: difference(await this.#counts(), before), openSeconds: isOpen ? seconds : 0 };
  }

  /** Measures from what opens a link until that is closed again. */
  async measureUntilClosed(open: () => Promise<unknown>): Promise<Measurement> {
    const before = await this.#counts();
    await open();
    const openedAt = performance.now();
    await this.waitForLink(false);
    const openSeconds = (performance.now() - openedAt) / 1_000;
    return { counts: difference(await this.#counts(), before), openSeconds };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#adapter.stop('SIGKILL');
    await this.#stack[Symbol.asyncDispose]();
  }

  async #isOpen(): Promise<boolean> {
    return (await this.#stack.fetchHealth(this.#stack.site('t1-s1'))).link.connected;
  }

  async #counts(): Promise<DialCounts> {
    return (await (await this.#stack.fetch('/counts')).json()) as DialCounts;
  }
}

function difference(after: DialCounts, before: DialCounts): DialCounts {
  const names = Object.keys(after) as (keyof DialCounts)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as DialCounts;
}
