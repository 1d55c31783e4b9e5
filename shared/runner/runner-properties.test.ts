import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { MAX_REFER_ATTEMPTS } from '../commands/deadlines.ts';
import type { CallCommand } from '../protocol/rpc/commands.ts';
import { FR_TIMEOUT_MS } from '../testing/opensips-model.ts';
import { scenario } from '../testing/scenarios.ts';
import { type CommandRecord, type Scenario, SiteSimulation } from '../testing/site-simulation.ts';

/** 5,000 runs of each property have passed once. On a failure, fast-check prints the seed and the smallest scenario. */
const RUNS = 250;

/** A property takes about a second; more on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

/** Checks the result of random scenarios. */
function forAllResults(check: (simulation: SiteSimulation, scenario: Scenario) => void): void {
  forAllScenarios((scenario) => check(simulate(scenario), scenario));
}

function forAllScenarios(check: (scenario: Scenario) => void): void {
  fc.assert(fc.property(scenario, check), { numRuns: RUNS });
}

/** Runs a scenario to its end. */
function simulate(scenario: Scenario): SiteSimulation {
  const simulation = new SiteSimulation(scenario);
  simulation.run();
  return simulation;
}

const eventsOf = ({ notifications }: CommandRecord) => notifications.map(({ event }) => event).join(' ');

describe('whatever phones, networks, links and clients do', () => {
  it('every command ends exactly once, and sends nothing after `Ended`', () => {
    forAllResults((simulation) => {
      for (const record of simulation.records) expect(eventsOf(record)).toMatch(/^((?!Ended).)*Ended$/);
      expect(simulation.runningCount, 'no command is left').toBe(0);
    });
  });

  it('`seq` increases', () => {
    forAllResults(({ seqs }) => {
      expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    });
  });

  it('an MI request id belongs to one request, which is sent to one adapter process, once for each connection', () => {
    forAllResults(({ sentRequests }) => {
      for (const [id, copies] of sentRequests) {
        expect(new Set(copies.map(({ text }) => text)).size, id).toBe(1);
        expect(new Set(copies.map(({ stream }) => stream)).size, id).toBe(1);
        expect(new Set(copies.map(({ connection }) => connection)).size, id).toBe(copies.length);
      }
    });
  });
});

describe('clients receive events in the order of docs/protocol.md', () => {
  const transfer = 'Transferring TransferStart (TransferPending )*';
  const partOfTransfer = '(Transferring )?(TransferStart (TransferPending )*)?';
  const orders: Record<CallCommand, RegExp> = {
    CallStart: new RegExp(
      `^(CallerRinging )?(CallerAnswered ${transfer}CalleeAnswered |(CallerAnswered ${partOfTransfer})?Error )Ended$`,
    ),
    CallBlindTransfer: new RegExp(`^(${transfer}TransferSuccessful |${partOfTransfer}Error )Ended$`),
    CallAttendedTransfer: new RegExp(`^(${transfer}TransferSuccessful |${partOfTransfer}Error )Ended$`),
    CallHold: /^(CallHolding (CallHold(Start|Successful|Failed) )*)?(Error )?Ended$/,
    CallUnhold: /^(CallUnholding (CallUnhold(Start|Successful|Failed) )*)?(Error )?Ended$/,
    CallEnd: /^(Error )?Ended$/,
  };

  it('for every method', () => {
    forAllResults(({ records }) => {
      for (const record of records) expect(eventsOf(record)).toMatch(orders[record.command.method]);
    });
  });

  it('a leg of a hold starts before it ends, and a hold without Error has a leg that has succeeded', () => {
    forAllResults(({ records }) => {
      for (const { command, notifications } of records) {
        if (command.method !== 'CallHold' && command.method !== 'CallUnhold') continue;
        for (const leg of ['caller', 'callee']) {
          const ofLeg = notifications.filter(({ data }) => JSON.stringify(data) === JSON.stringify({ leg }));
          expect(ofLeg.map(({ event }) => event.replace(command.method, '')).join(' ')).toMatch(
            /^(Start( (Successful|Failed))?)?$/,
          );
        }
        const events = notifications.map(({ event }) => event);
        if (!events.includes('Error')) expect(events).toContain(`${command.method}Successful`);
      }
    });
  });
});

describe('every command ends within its deadline', () => {
  /** The deadlines in `deadlines.ts`, added up. A request that can be repeated is sent twice if its reply is lost. */
  const MI = 6_000;
  const search = MI + 2_000;
  /** A request within a dialog waits for the phone. It may come before the ACK, five times. */
  const inDialog = 5 * 500 + FR_TIMEOUT_MS + MI;
  /** A REFER that was not sent is requested again, while no adapter is connected. */
  const refer = inDialog + (MAX_REFER_ATTEMPTS - 1) * MI;
  const transfer = refer + 10_000 + search + 120_000 + 300 + 3_000 + 2_000;
  /** A re-INVITE is repeated once, and the other leg is put back. */
  const hold = Math.max(2 * MI + 35_000 + 300, 2 * inDialog + 2_500);
  const deadlines: Record<CallCommand, number> = {
    CallStart: 60_000 + 500 + transfer,
    CallBlindTransfer: transfer,
    CallAttendedTransfer: transfer,
    CallHold: hold,
    CallUnhold: hold,
    CallEnd: 5_000,
  };

  it('for every method', () => {
    forAllResults(({ records }, { alarmDelayMs }) => {
      for (const { command, startedAt, endedAt = Number.POSITIVE_INFINITY } of records)
        expect(endedAt - startedAt, command.method).toBeLessThanOrEqual(
          deadlines[command.method] + 10 * alarmDelayMs,
        );
    });
  });
});

describe('whatever messages are lost, the events of a CallStart agree with OpenSIPS', () => {
  /** Returns each CallStart whose first leg no other command transfers, with its first leg and its new call. */
  function callStarts({ records, opensips }: SiteSimulation) {
    const transferParams = records.flatMap(({ command: { method, params } }) =>
      /Transfer$/.test(method) ? [JSON.stringify(params)] : [],
    );
    return records.flatMap((record) => {
      const { method, cmdId } = record.command;
      if (method !== 'CallStart') return [];
      if (transferParams.some((params) => params.includes(`"first-${cmdId}"`))) return [];
      const isActive = (callid: string) => (opensips.calls.get(callid)?.state ?? 5) !== 5;
      const newCallid = `new-of-first-${cmdId}`;
      return [
        {
          record,
          newCallid,
          isFirstLegActive: isActive(`first-${cmdId}`),
          isNewCallActive: isActive(newCallid),
        },
      ];
    });
  }

  it('the first leg is never active in the end', () => {
    forAllResults((simulation) => {
      for (const { record, isFirstLegActive } of callStarts(simulation))
        expect(isFirstLegActive, eventsOf(record)).toBe(false);
    });
  });

  it('a call that it has not reported is not active', () => {
    forAllResults((simulation) => {
      for (const { record, isNewCallActive } of callStarts(simulation)) {
        if (!eventsOf(record).includes('CalleeAnswered'))
          expect(isNewCallActive, eventsOf(record)).toBe(false);
      }
    });
  });

  it('a call that it has reported is active until another command ends it', () => {
    let activeCalls = 0;
    forAllResults((simulation) => {
      for (const { record, newCallid, isNewCallActive } of callStarts(simulation)) {
        if (!eventsOf(record).includes('CalleeAnswered')) continue;
        const enders = [...(simulation.endRequests.get(newCallid) ?? [])].filter(
          (id) => id !== record.command.id,
        );
        const wasHungUp = simulation.opensips.hungUpByPhone.has(newCallid);
        if (record.isCanceled || enders.length > 0 || wasHungUp) continue;
        activeCalls++;
        expect(isNewCallActive, eventsOf(record)).toBe(true);
      }
    });
    expect(activeCalls, 'some calls must succeed').toBeGreaterThan(RUNS / 5);
  });
});

describe('events that are lost in a gap make no difference', () => {
  /** Nothing else is lost, and timers are exact. */
  const network: Scenario['network'] = {
    eventLoss: 0,
    eventDuplication: 0,
    replyLoss: 0,
    requestRejection: 0,
    maxDelayMs: 1,
  };
  const outcomes = (scenario: Scenario) =>
    simulate(scenario).records.map((record) => eventsOf(record).replace(/^.*(?=CalleeAnswered|Error)/, ''));

  it('each CallStart succeeds or fails as it does without the gap', () => {
    forAllScenarios((scenario) => {
      const commands = scenario.commands.filter(({ method }) => method === 'CallStart');
      const withoutGaps = { ...scenario, commands, network, outages: [], gaps: [], alarmDelayMs: 0 };
      expect(outcomes({ ...withoutGaps, gaps: scenario.gaps })).toEqual(outcomes(withoutGaps));
    });
  });
});
