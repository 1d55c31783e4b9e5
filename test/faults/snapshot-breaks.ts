/** Long snapshots of the shipped client at a real edge, while their connection breaks and the calls go on. @module */
import { connect } from '../../client/index.ts';
import { FaultHarness } from './harness/harness.ts';
import { SeededRandom } from './harness/seeded-random.ts';
import { NO_UDP_FAULTS } from './injection/fault-rates.ts';
import { WatchedCalls } from './oracle/watched-calls.ts';

/** Three pages: the first has some 1,100 of these calls, the others 500 at most. */
const ACTIVE_CALLS = 2_000;
const PAGES = 3;
/** Calls that end, and calls that begin, while a snapshot is read. */
const CHANGES_PER_PAGE = 5;
/** A list that is not right by then never will be. */
const EQUAL_WITHIN_MS = 45_000;

/** Lists are long here, and a client that asks for many at once is refused for a while. */
const POLL_INTERVAL_MS = 500;

export interface SnapshotBreaks {
  readonly violations: readonly string[];
  /** Watches that were resumed while pages were missing. */
  readonly resumedWithin: number;
  readonly pages: number;
}

/** @param watches how many watches are begun; each breaks once, after a page that is drawn from the seed */
export async function runSnapshotBreaks(seed: number, watches: number): Promise<SnapshotBreaks> {
  const random = new SeededRandom(seed);
  await using harness = await FaultHarness.start({
    random,
    faultRates: NO_UDP_FAULTS,
    simulator: { delayFactor: 0 },
  });
  const { simulator, clientProxy } = harness;
  const api = connect({ url: harness.clientUrl });
  harness.closeAtEnd(api);
  const callids: string[] = [];
  const dial = async (n: number) => {
    callids.push(await simulator.dial({ from: `keep.a${n}`, to: `keep.b${n}` }));
  };
  const list = async () => {
    const calls = [];
    let cursor: string | undefined;
    do {
      const page = await api.calls.list({ state: ['ringing', 'answered'], limit: 500, cursor });
      calls.push(...page.calls);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return calls;
  };
  for (let n = 0; n < ACTIVE_CALLS; n++) await dial(n);
  while ((await list()).length < ACTIVE_CALLS) await sleep(POLL_INTERVAL_MS);

  const violations: string[] = [];
  let [resumedWithin, pages] = [0, 0];
  for (let watch = 0; watch < watches; watch++) {
    const watched = new WatchedCalls();
    const breakAfter = random.integer(1, PAGES - 1);
    let parts = 0;
    const controller = new AbortController();
    const reading = (async () => {
      for await (const change of api.watch({ signal: controller.signal })) {
        watched.onChange(change);
        if (change.type !== 'snapshot' && change.type !== 'page') continue;
        parts++;
        for (let n = 0; n < CHANGES_PER_PAGE; n++) {
          simulator.hangUp(callids.shift() ?? '');
          await dial(ACTIVE_CALLS + pages * CHANGES_PER_PAGE + n);
        }
        pages++;
        if (parts !== breakAfter) continue;
        // The request for the next page is under way, or its response.
        if (random.chance(0.5)) setTimeout(() => clientProxy.resetConnections(), random.integer(0, 20));
        else clientProxy.resetConnections();
      }
    })();
    reading.catch((error: unknown) => {
      if (!controller.signal.aborted) violations.push(`watch ${watch} has failed: ${String(error)}`);
    });
    let differences: string[] = [];
    const deadline = Date.now() + EQUAL_WITHIN_MS;
    do {
      await sleep(POLL_INTERVAL_MS);
      differences =
        parts < breakAfter ? ['the connection has not been broken'] : watched.differencesFrom(await list());
    } while (differences.length > 0 && Date.now() < deadline);
    controller.abort();
    await reading.catch(() => {});
    violations.push(...[...differences, ...watched.violations].map((text) => `watch ${watch}: ${text}`));
    if (watched.counts.paged === 0) violations.push(`watch ${watch}: its snapshot had one page`);
    resumedWithin += watched.counts.resumedWithin;
  }
  return { violations, resumedWithin, pages };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
