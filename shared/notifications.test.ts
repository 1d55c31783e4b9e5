import fc from 'fast-check';
import { expect, it } from 'vitest';
import { notification } from './jsonrpc.ts';
import type { Method } from './methods.ts';
import { events, noticeOf } from './notifications.ts';
import { scenario } from './testing/scenarios.ts';
import { World } from './testing/world.ts';

/** Enough that each event there is comes many times. */
const SCENARIOS = 200;
/** So that what is told is the same each time. */
const SEED = 1;

/** Whatever clients were told in random scenarios, as it goes over the wire. */
function allTold(): { readonly method: Method; readonly notice: object; readonly event: string }[] {
  return fc.sample(scenario, { seed: SEED, numRuns: SCENARIOS }).flatMap((each) => {
    const world = new World(each);
    world.run();
    return world.stories.flatMap(({ command: { method, cmdId }, told }) =>
      told.map(({ event, ...rest }) => ({
        method,
        event,
        notice: JSON.parse(JSON.stringify(notification(method, { cmd_id: cmdId, event, ...rest }))) as object,
      })),
    );
  });
}

it('what the machines tell is what is documented, no more and no less', () => {
  const shapes = new Map((Object.keys(events) as Method[]).map((method) => [method, noticeOf(method)]));
  const seen = new Set<string>();
  for (const { method, event, notice } of allTold()) {
    seen.add(`${method} ${event}`);
    // What is not documented does not come through.
    expect(shapes.get(method)?.parse(notice), `${method} ${event}`).toEqual(notice);
  }
  const documented = Object.entries(events).flatMap(([method, each]) =>
    Object.keys(each).map((event) => `${method} ${event}`),
  );
  const failing = Object.keys(events).filter((method) => method !== 'Echo');
  expect([...seen].sort()).toEqual([...documented, ...failing.map((method) => `${method} Error`)].sort());
}, 60_000);
