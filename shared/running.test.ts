import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Running } from './running.ts';
import type { Command } from './stored-command.ts';

const SUBJECTS = ['alice', 'bob'];
const NAMES = ['one', 'two', 'three'];
const SESSIONS = ['tab', 'other'];
const CALLIDS = ['a', 'b', 'c'];

const step = fc.record({
  do: fc.constantFrom('add', 'refollow', 'handOver', 'end', 'stored'),
  at: fc.nat(),
  method: fc.constantFrom('CallStart' as const, 'CallHold' as const),
  subject: fc.constantFrom(...SUBJECTS),
  cmdId: fc.constantFrom(...NAMES),
  session: fc.constantFrom(...SESSIONS),
  follows: fc.uniqueArray(fc.constantFrom(...CALLIDS)),
});

it('finds and counts the commands that run as who looks at each of them would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const running = new Running();
      /** All that were ever added: those that run have a state. */
      const all: Command[] = [];
      const stored = new Set<Command>();
      for (const { do: verb, at, method, subject, cmdId, session, follows } of steps) {
        const command = all[at % all.length];
        if (verb === 'add') {
          if (running.named(subject, cmdId)) continue;
          const added = {
            ...{ id: all.length, cmdId, method, params: {}, subject, session, state: { follows } },
            ...{ asked: 0, pending: {}, timers: {}, told: [], cancelledBy: [], position: 0 },
          };
          running.add(added);
          all.push(added);
        } else if (!command) continue;
        else if (verb === 'handOver') {
          const before = command.session;
          const isNews = command.state !== null && before !== session;
          expect(running.handOver(command, session)).toBe(isNews);
          expect(command.session).toBe(isNews ? session : before);
        } else if (verb === 'stored') {
          running.stored([command]);
          if (!command.state) stored.add(command);
        } else if (command.state) {
          const after = verb === 'end' ? null : { follows };
          running.refollow(command, after?.follows ?? []);
          command.state = after;
          if (!after) running.end(command);
        }

        const run = all.filter(({ state }) => state);
        expect([...running]).toEqual(run);
        expect(running.size).toBe(run.length);
        expect(running.starts).toBe(run.filter(({ method }) => method === 'CallStart').length);
        for (const each of all) expect(running.get(each.id)).toBe(each.state ? each : undefined);
        for (const callid of CALLIDS) {
          const following = new Set(run.filter(({ state }) => state?.follows.includes(callid)));
          expect(new Set(running.following(callid))).toEqual(following);
        }
        for (const subject of SUBJECTS) {
          const own = all.filter((each) => each.subject === subject);
          for (const session of SESSIONS) {
            const inFlight = own.filter((each) => each.state && each.session === session).length;
            expect(running.inFlight(subject, session)).toBe(inFlight);
          }
          for (const cmdId of NAMES) {
            const known = own.find((each) => each.cmdId === cmdId && !stored.has(each));
            expect(running.named(subject, cmdId)).toBe(known);
          }
        }
      }
    }),
  );
});
