/** The simulator against every recorded trace: the same requests, the same answers and events in the same order. */
import { describe, expect, test, vi } from 'vitest';
import { normalForm } from './normal-form.ts';
import { inversions, mayChangePlaces } from './order.ts';
import { replay } from './replay.ts';
import { type Datagram, readTrace, TRACES } from './trace.ts';

/** The longest trace waits for two timers of OpenSIPS's (`callee-silent`: 8 s). */
const TIMEOUT = 30_000;

// Most of a trace is waiting: let all wait together.
vi.setConfig({ maxConcurrency: TRACES.length });

describe.concurrent('the simulator says what OpenSIPS 3.6.8 said', () => {
  for (const name of TRACES) {
    test(name, { timeout: TIMEOUT }, async () => {
      const trace = readTrace(name);
      const datagrams = await replay(trace);
      for (const dir of ['mi<', 'evi<'] as const) compare(dir, trace.datagrams, datagrams);
      for (const stream of [trace.datagrams, datagrams])
        expect(lateNotifies(stream)).toEqual(notifiesWithoutLeg(stream));
    });
  }
});

function compare(dir: Datagram['dir'], recorded: readonly Datagram[], simulated: readonly Datagram[]): void {
  const texts = (datagrams: readonly Datagram[]) =>
    normalForm(datagrams)
      .filter((datagram) => datagram.dir === dir)
      .map(({ text }) => text.replace(NOTIFY_LEG, '$1""$2'));
  const [expected, actual] = [texts(recorded), texts(simulated)];
  expect(actual.toSorted()).toEqual(expected.toSorted());
  expect(inversions(expected, actual).filter((pair) => !mayChangePlaces(...pair))).toEqual([]);
}

/** The leg of a last `notify` depends on the order: see `lateNotifies`. */
const NOTIFY_LEG = /("leg":)"[a-z]*"(,[^{}]*"state":"notify","status":"[2-6])/;

type Event = { callid?: string; leg?: string; state?: string };

const transferEvents = (datagrams: readonly Datagram[]): Event[] =>
  datagrams
    .map(({ msg }) => Object(msg))
    .filter(({ method }) => method === 'E_CALL_TRANSFER')
    .map(({ params }) => params);

/** A `notify` names its leg until `ok` or `fail` has come, and none afterwards. */
function lateNotifies(datagrams: readonly Datagram[]): Event[] {
  const over = new Set<string | undefined>();
  return transferEvents(datagrams).filter(({ callid, state }) => {
    if (state === 'ok' || state === 'fail') over.add(callid);
    return state === 'notify' && over.has(callid);
  });
}

const notifiesWithoutLeg = (datagrams: readonly Datagram[]): Event[] =>
  transferEvents(datagrams).filter(({ state, leg }) => state === 'notify' && leg === '');
