import { expect, it } from 'vitest';
import { LookUpQueue, MAX_LOOK_UPS_PENDING, MAX_QUEUED_PARTIES } from './look-up-queue.ts';

const callids = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

/** Takes as many calls as may be pending, and returns how many of each kind. */
function takeAll(queue: LookUpQueue) {
  const counts = { round: 0, parties: 0 };
  for (let lookUp = queue.next(); lookUp; lookUp = queue.next()) counts[lookUp.purpose]++;
  return counts;
}

it('gives both kinds of calls places, and all places to one kind if there is no other', () => {
  const both = new LookUpQueue();
  both.addUnlisted(callids('dead', 100));
  both.addUnknownParties(callids('new', 100));
  expect(takeAll(both)).toEqual({ round: 24, parties: 8 });
  both.onFinished('parties');
  both.onFinished('round');
  expect(takeAll(both)).toEqual({ round: 1, parties: 1 });
  const one = new LookUpQueue();
  one.addUnlisted(callids('dead', 100));
  expect(takeAll(one)).toEqual({ round: MAX_LOOK_UPS_PENDING, parties: 0 });
});

it('asks for a call of both kinds once, and keeps the queue of the second kind short', () => {
  const queue = new LookUpQueue();
  queue.addUnknownParties(['call', ...callids('new', 2 * MAX_QUEUED_PARTIES)]);
  queue.addUnlisted(['call']);
  queue.addUnknownParties(['call']);
  const asked: string[] = [];
  for (let lookUp = queue.next(); lookUp; lookUp = queue.next()) {
    asked.push(lookUp.callid);
    queue.onFinished(lookUp.purpose);
  }
  expect(asked.filter((callid) => callid === 'call')).toHaveLength(1);
  expect(asked).toHaveLength(MAX_QUEUED_PARTIES);
  expect(queue.hasUnlisted).toBe(false);
});
