/** Calls that phones dial: how soon a watcher, such as a page that pops up, is notified of a call that rings, with both parties. @module */
import { CallWatcher } from '../../harness/call-watcher.ts';
import { type Part, settle, withRig } from './rig.ts';

const CALLS = 100;
/** From the 180 of the phone to the notification. */
const LIMIT_MS = 150;

export const runIncomingCalls: Part = (suite) =>
  withRig(suite, {}, async (harness) => {
    const watcher = await CallWatcher.connect(`ws://127.0.0.1:${harness.port}/call-api`);
    const [alice, bob] = [await harness.openPhone(), await harness.openPhone('ring')];
    const notifiedAt = new Map<string, number>();
    watcher.onChange = ({ call: { callid, state, caller, callee } }) => {
      const isWhole = state === 'ringing' && caller === alice.uri && callee === bob.uri;
      if (isWhole && !notifiedAt.has(callid)) notifiedAt.set(callid, performance.now());
    };
    const times: number[] = [];
    const problems: string[] = [];
    for (let n = 0; n < suite.scale(CALLS); n++) {
      const dialed = alice.dial(bob.uri);
      await settle(
        () => bob.rangAt.size > n,
        () => 'the phone does not ring',
      );
      const [callid = '', rangAt = 0] = [...bob.rangAt].at(-1) ?? [];
      await settle(
        () => notifiedAt.has(callid),
        () => 'no notification',
      ).catch((error: unknown) => problems.push(String(error)));
      times.push((notifiedAt.get(callid) ?? Number.POSITIVE_INFINITY) - rangAt);
      await harness.client.runToEnd('CallEnd', { callid });
      await dialed;
    }
    const late = times.filter((ms) => ms > LIMIT_MS).map((ms) => `after more than ${LIMIT_MS} ms: ${ms}`);
    suite.report.count(`Ringing with both parties within ${LIMIT_MS} ms of the 180`, times.length, [
      ...problems,
      ...late,
    ]);
    watcher.close();
    suite.report.time('from the 180 to Ringing with both parties', times, LIMIT_MS);
    return [...notifiedAt.keys()];
  });
