/** Replays every recorded trace: the simulator must give the same replies and events in the same order. */
import { describe, expect, test, vi } from 'vitest';
import { findInversions, isOrderFree } from './event-order.ts';
import { normalize } from './normalize.ts';
import { replay } from './replay.ts';
import { type Datagram, readTrace, TRACE_NAMES } from './trace.ts';

/** The longest trace waits for two of OpenSIPS's timers (`sequential-vanished`: 11 s). */
const TEST_TIMEOUT_MS = 30_000;

// Most of a trace is waiting, so all traces run at the same time.
vi.setConfig({ maxConcurrency: TRACE_NAMES.length });

describe.concurrent('the simulator behaves as the recorded OpenSIPS did', () => {
  for (const name of TRACE_NAMES) {
    test(name, { timeout: TEST_TIMEOUT_MS }, async () => {
      const trace = readTrace(name);
      const datagrams = await replay(trace);
      for (const dir of ['mi<', 'evi<'] as const) compare(dir, trace.datagrams, datagrams);
      for (const sequence of [trace.datagrams, datagrams])
        expect(selectLateNotifies(sequence)).toEqual(selectNotifiesWithoutLeg(sequence));
    });
  }
});

function compare(dir: Datagram['dir'], recorded: readonly Datagram[], simulated: readonly Datagram[]): void {
  const textsOf = (datagrams: readonly Datagram[]) =>
    normalize(datagrams)
      .filter((datagram) => datagram.dir === dir)
      .map(({ text }) => text.replace(NOTIFY_LEG, '$1""$2'));
  const [expected, actual] = [textsOf(recorded), textsOf(simulated)];
  expect(actual.toSorted()).toEqual(expected.toSorted());
  expect(findInversions(expected, actual).filter((pair) => !isOrderFree(...pair))).toEqual([]);
}

/** The leg of a final `notify` depends on the order, which {@link selectLateNotifies} checks. */
const NOTIFY_LEG = /("leg":)"[a-z]*"(,[^{}]*"state":"notify","status":"[2-6])/;

type Event = { callid?: string; leg?: string; state?: string };

const transferEvents = (datagrams: readonly Datagram[]): Event[] =>
  datagrams
    .map(({ msg }) => Object(msg))
    .filter(({ method }) => method === 'E_CALL_TRANSFER')
    .map(({ params }) => params);

/** Returns each `notify` after `ok` or `fail`: only those have an empty leg. */
function selectLateNotifies(datagrams: readonly Datagram[]): Event[] {
  const completed = new Set<string | undefined>();
  return transferEvents(datagrams).filter(({ callid, state }) => {
    if (state === 'ok' || state === 'fail') completed.add(callid);
    return state === 'notify' && completed.has(callid);
  });
}

const selectNotifiesWithoutLeg = (datagrams: readonly Datagram[]): Event[] =>
  transferEvents(datagrams).filter(({ state, leg }) => state === 'notify' && leg === '');
