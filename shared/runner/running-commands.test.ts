import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RunningCommands } from './running-commands.ts';
import type { Command } from './stored-command.ts';

const SUBJECTS = ['alice', 'bob'];
const COMMAND_IDS = ['one', 'two', 'three'];
const SESSIONS = ['tab', 'other'];
const CALLIDS = ['a', 'b', 'c'];

const step = fc.record({
  type: fc.constantFrom('add', 'update-followed', 'assign-session', 'end', 'store'),
  index: fc.nat(),
  method: fc.constantFrom('CallStart' as const, 'CallHold' as const, 'CallEnd' as const),
  ends: fc.constantFrom(...COMMAND_IDS),
  subject: fc.constantFrom(...SUBJECTS),
  cmdId: fc.constantFrom(...COMMAND_IDS),
  session: fc.constantFrom(...SESSIONS),
  followedCallids: fc.uniqueArray(fc.constantFrom(...CALLIDS)),
});

it('finds and counts running commands as a search of all commands does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const running = new RunningCommands();
      /** All commands that were ever added. Those that run have a state. */
      const all: Command[] = [];
      const stored = new Set<Command>();
      for (const { type, index, method, ends, subject, cmdId, session, followedCallids } of steps) {
        const command = all[index % all.length];
        if (type === 'add') {
          if (running.find(subject, cmdId)) continue;
          const added: Command = {
            ...{
              id: all.length,
              cmdId,
              method,
              params: { callid: ends },
              subject,
              session,
              state: { followedCallids },
            },
            ...{ requestCount: 0, pendingRequests: {}, timers: {}, notifications: [] },
            position: 0,
          };
          running.add(added);
          all.push(added);
        } else if (!command) continue;
        else if (type === 'assign-session') {
          const before = command.session;
          const changes = command.state !== null && before !== session;
          expect(running.assignSession(command, session)).toBe(changes);
          expect(command.session).toBe(changes ? session : before);
        } else if (type === 'store') {
          running.onStored([command]);
          if (!command.state) stored.add(command);
        } else if (command.state) {
          const state = type === 'end' ? null : { followedCallids };
          running.updateIndex(command, state);
          command.state = state;
          if (!state) running.remove(command);
        }

        const expected = all.filter(({ state }) => state);
        expect([...running]).toEqual(expected);
        expect(running.size).toBe(expected.length);
        expect(running.startsInProgress).toBe(expected.filter(({ method }) => method === 'CallStart').length);
        for (const added of all) expect(running.get(added.id)).toBe(added.state ? added : undefined);
        for (const target of all)
          expect(running.callEndsOf(target)).toEqual(
            expected.filter(
              ({ method, params, subject }) =>
                method === 'CallEnd' &&
                subject === target.subject &&
                (params as { callid: string }).callid === target.cmdId,
            ),
          );
        for (const callid of CALLIDS) {
          const followers = expected.filter(({ state }) => state?.followedCallids.includes(callid));
          expect(new Set(running.followersOf(callid))).toEqual(new Set(followers));
        }
        for (const subject of SUBJECTS) {
          const ofSubject = all.filter((added) => added.subject === subject);
          for (const session of SESSIONS) {
            const inFlight = ofSubject.filter((added) => added.state && added.session === session).length;
            expect(running.inFlight(subject, session)).toBe(inFlight);
          }
          for (const cmdId of COMMAND_IDS) {
            const found = ofSubject.find((added) => added.cmdId === cmdId && !stored.has(added));
            expect(running.find(subject, cmdId)).toBe(found);
          }
        }
      }
    }),
  );
});
