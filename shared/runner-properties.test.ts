import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Method } from './methods.ts';
import { scenario } from './testing/scenarios.ts';
import { type Scenario, type Story, World } from './testing/world.ts';

/** More finds more (5,000 of each were run once); fast-check prints the seed and the smallest scenario of what it finds. */
const RUNS = 250;

/** They take a second or so each; a busy machine is no failure. */
vi.setConfig({ testTimeout: 60_000 });

/** Runs random scenarios to their end and looks at each. */
function always(look: (world: World, scenario: Scenario) => void): void {
  everyScenario((each) => look(after(each), each));
}

function everyScenario(check: (scenario: Scenario) => void): void {
  fc.assert(fc.property(scenario, check), { numRuns: RUNS });
}

/** The world as a scenario leaves it. */
function after(each: Scenario): World {
  const world = new World(each);
  world.run();
  return world;
}

const eventsOf = ({ told }: Story) => told.map(({ event }) => event).join(' ');

describe('whatever phones, networks, links and clients do', () => {
  it('every command that was started ends exactly once, and nothing is told after `Ended`', () => {
    always((world) => {
      for (const story of world.stories) expect(eventsOf(story)).toMatch(/^((?!Ended).)*Ended$/);
      expect(world.running, 'and none is left behind').toBe(0);
    });
  });

  it('`seq` rises', () => {
    always(({ seqs }) => {
      expect(seqs).toEqual([...new Set(seqs)].toSorted((one, other) => one - other));
    });
  });

  it('an MI request id stands for one request, goes to one process of the adapter, once for each connection', () => {
    always(({ sent }) => {
      for (const [id, copies] of sent) {
        expect(new Set(copies.map(({ text }) => text)).size, id).toBe(1);
        expect(new Set(copies.map(({ stream }) => stream)).size, id).toBe(1);
        expect(new Set(copies.map(({ connection }) => connection)).size, id).toBe(copies.length);
      }
    });
  });
});

describe('each client is told in the order of wire.md', () => {
  const transfer = 'Transferring TransferStart (TransferPending )*';
  const partOfTransfer = '(Transferring )?(TransferStart (TransferPending )*)?';
  const orders: Record<Method, RegExp> = {
    CallStart: new RegExp(
      `^(CallerRinging )?(CallerAnswered ${transfer}CalleeAnswered |(CallerAnswered ${partOfTransfer})?Error )Ended$`,
    ),
    CallBlindTransfer: new RegExp(`^(${transfer}TransferSuccessful |${partOfTransfer}Error )Ended$`),
    CallAttendedTransfer: new RegExp(`^(${transfer}TransferSuccessful |${partOfTransfer}Error )Ended$`),
    CallHold: /^(CallHolding (CallHold(Start|Successful|Failed) )*)?(Error )?Ended$/,
    CallUnhold: /^(CallUnholding (CallUnhold(Start|Successful|Failed) )*)?(Error )?Ended$/,
    CallEnd: /^(Error )?Ended$/,
    Echo: /^Reply Ended$/,
  };

  it('every method', () => {
    always(({ stories }) => {
      for (const story of stories) expect(eventsOf(story)).toMatch(orders[story.command.method]);
    });
  });

  it('each leg of a hold starts before it ends, and a hold without Error has a leg that succeeded', () => {
    always(({ stories }) => {
      for (const { command, told } of stories) {
        if (command.method !== 'CallHold' && command.method !== 'CallUnhold') continue;
        for (const leg of ['caller', 'callee']) {
          const ofLeg = told.filter(({ data }) => JSON.stringify(data) === JSON.stringify({ leg }));
          expect(ofLeg.map(({ event }) => event.replace(command.method, '')).join(' ')).toMatch(
            /^(Start( (Successful|Failed))?)?$/,
          );
        }
        const events = told.map(({ event }) => event);
        if (!events.includes('Error')) expect(events).toContain(`${command.method}Successful`);
      }
    });
  });
});

describe('every command ends within its deadline', () => {
  /** The waits of each, added up: `deadlines.ts`. What OpenSIPS can be asked twice is, where its answer is lost. */
  const MI = 6_000;
  const search = MI + 2_000;
  const transfer = 2 * MI + 10_000 + search + 120_000 + 300 + 2_000;
  const bounds: Record<Method, number> = {
    CallStart: 60_000 + 500 + transfer,
    CallBlindTransfer: transfer,
    CallAttendedTransfer: transfer,
    CallHold: 2 * MI + 35_000 + 300,
    CallUnhold: 2 * MI + 35_000 + 300,
    CallEnd: 5_000,
    Echo: 0,
  };

  it('every method', () => {
    always(({ stories }, { alarmLag }) => {
      for (const { command, begun, ended = Number.POSITIVE_INFINITY } of stories)
        expect(ended - begun, command.method).toBeLessThanOrEqual(bounds[command.method] + 10 * alarmLag);
    });
  });
});

describe('whatever is lost, what CallStart says is what stands in OpenSIPS', () => {
  /** Each CallStart whose first leg no other command transfers, with the two calls that it may have made. */
  function starts({ stories, opensips }: World) {
    const transferred = stories.flatMap(({ command: { method, params } }) =>
      /Transfer$/.test(method) ? [JSON.stringify(params)] : [],
    );
    return stories.flatMap((story) => {
      const { method, cmdId } = story.command;
      if (method !== 'CallStart') return [];
      if (transferred.some((params) => params.includes(`"first-${cmdId}"`))) return [];
      const stands = (callid: string) => (opensips.calls.get(callid)?.state ?? 5) !== 5;
      return [{ story, first: stands(`first-${cmdId}`), call: `new-of-first-${cmdId}`, stands }];
    });
  }

  it('the first leg never stands in the end', () => {
    always((world) => {
      for (const { story, first } of starts(world)) expect(first, eventsOf(story)).toBe(false);
    });
  });

  it('a call that it did not tell of does not stand', () => {
    always((world) => {
      for (const { story, call, stands } of starts(world)) {
        if (!eventsOf(story).includes('CalleeAnswered')) expect(stands(call), eventsOf(story)).toBe(false);
      }
    });
  });

  it('a call that it told of stands until another command ends it', () => {
    let stood = 0;
    always((world) => {
      for (const { story, call, stands } of starts(world)) {
        if (!eventsOf(story).includes('CalleeAnswered')) continue;
        const enders = [...(world.endedBy.get(call) ?? [])].filter((id) => id !== story.command.id);
        if (story.cancelled || enders.length > 0 || world.opensips.left.has(call)) continue;
        stood++;
        expect(stands(call), eventsOf(story)).toBe(true);
      }
    });
    expect(stood, 'some calls must come about').toBeGreaterThan(RUNS / 5);
  });
});

describe('events that a gap swallowed are made up for', () => {
  /** Nothing is lost but in a gap, and time is exact. */
  const network = { eventsDropped: 0, eventsDoubled: 0, repliesLost: 0, requestsRefused: 0, delay: 1 };
  const outcomes = (each: Scenario) =>
    after(each).stories.map((story) => eventsOf(story).replace(/^.*(?=CalleeAnswered|Error)/, ''));

  it('each CallStart succeeds or fails as it would have without', () => {
    everyScenario((each) => {
      const wishes = each.wishes.filter(({ method }) => method === 'CallStart');
      const plain: Scenario = { ...each, wishes, network, outages: [], gaps: [], alarmLag: 0 };
      expect(outcomes({ ...plain, gaps: each.gaps })).toEqual(outcomes(plain));
    });
  });
});
