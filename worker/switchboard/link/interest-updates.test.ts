import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CallInterest } from '../../../adapter/link/call-interest.ts';
import { FollowedCalls } from '../../../shared/runner/followed-calls.ts';
import type { Command } from '../../../shared/runner/stored-command.ts';
import { InterestUpdates } from './interest-updates.ts';

const CALLIDS = ['a', 'b', 'c', 'd'];

it('has an adapter know what commands follow, whenever updates are sent, and whenever it connects', () => {
  const command = (id: number) => ({ id }) as Command;
  const step = fc.oneof(
    fc.record({
      type: fc.constantFrom('follow', 'unfollow'),
      callid: fc.constantFrom(...CALLIDS),
      id: fc.nat(2),
    }),
    fc.record({ type: fc.constantFrom('turn', 'send', 'watch', 'unwatch', 'connect', 'wake') }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const commands = [0, 1, 2].map(command);
      let followed = new FollowedCalls();
      let updates = new InterestUpdates();
      let adapter = new CallInterest();
      let isWatched = false;
      const expected = new Map<string, Set<Command>>();
      const turn = () =>
        updates.apply({ isWatched, followed: followed.callids, changes: followed.takeChanges() });
      const send = () => {
        turn();
        const message = updates.take();
        if (message) adapter.apply(message);
        expect(updates.take()).toBeUndefined();
        expect(updates.isUrgent).toBe(false);
      };
      for (const each of steps) {
        if ('callid' in each) {
          const { callid, id } = each;
          const one = commands[id] as Command;
          const followers = expected.get(callid) ?? new Set();
          expected.set(callid, followers);
          if (each.type === 'follow') {
            followed.add(callid, one);
            followers.add(one);
          } else {
            followed.delete(callid, one);
            followers.delete(one);
          }
          continue;
        }
        if (each.type === 'turn') turn();
        if (each.type === 'send') send();
        if (each.type === 'watch') isWatched = true;
        if (each.type === 'unwatch') isWatched = false;
        // Everything that has changed was sent before an object hibernates, or is told again.
        if (each.type === 'connect') {
          updates = new InterestUpdates();
          adapter = new CallInterest();
        }
        if (each.type === 'wake') {
          send();
          followed = new FollowedCalls();
          for (const [callid, followers] of expected) for (const one of followers) followed.add(callid, one);
          followed.takeChanges();
          updates = new InterestUpdates();
        }
      }
      send();
      const isFollowed = (callid: string) => (expected.get(callid)?.size ?? 0) > 0;
      expect(CALLIDS.map((callid) => adapter.isCallAwaited(callid))).toEqual(
        CALLIDS.map((callid) => isWatched || isFollowed(callid)),
      );
      expect(adapter.awaitedCount).toBe(CALLIDS.filter(isFollowed).length);
    }),
    { numRuns: 1_000 },
  );
});

it('must be sent at once only where a client begins to watch', () => {
  const updates = new InterestUpdates();
  const apply = (isWatched: boolean) => updates.apply({ isWatched, followed: [], changes: new Map() });
  apply(false);
  expect(updates.take()).toEqual({ type: 'interest', all: false });
  apply(true);
  expect(updates.isUrgent).toBe(true);
  expect(updates.take()).toEqual({ type: 'interest', all: true });
  apply(false);
  expect(updates.isUrgent).toBe(false);
});
