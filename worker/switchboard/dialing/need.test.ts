/** When a site whose adapter is dialed needs a link. */
import { expect, it } from 'vitest';
import { type NeedFacts, needOf } from './need.ts';

const idle: NeedFacts = {
  isAwaited: false,
  hasKnocked: false,
  running: 0,
  ownCalls: 0,
  isWatched: false,
  keep: false,
};

it.each<[string, Partial<NeedFacts>, string]>([
  ['nobody needs it', {}, 'none'],
  ['a client waits', { isAwaited: true }, 'now'],
  ['the adapter has knocked', { hasKnocked: true }, 'now'],
  ['a command runs', { running: 1 }, 'now'],
  ['a call that was made here is active', { ownCalls: 1 }, 'soon'],
  ['somebody watches', { isWatched: true }, 'soon'],
  ['it is kept', { keep: true }, 'soon'],
  ['a client waits at a site that is kept', { keep: true, isAwaited: true }, 'now'],
])('knows that %s', (_, facts, need) => {
  expect(needOf({ ...idle, ...facts })).toBe(need);
});
