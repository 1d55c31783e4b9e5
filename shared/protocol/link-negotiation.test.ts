import { expect, it } from 'vitest';
import { SCRIPT_EVENT_NAMES } from '../opensips/evi.ts';
import { closeReason } from './close-reason.ts';
import {
  EDGE_FEATURES,
  eventsNotTaken,
  highestCommonVersion,
  LINK_VERSIONS,
  type PeerOffer,
  updateAdvice,
  VersionRange,
  versionsOf,
} from './link-negotiation.ts';

const range = (min: number, max: number) => ({ min, max });

it.each([
  [range(1, 1), range(1, 1), 1],
  [range(1, 2), range(1, 1), 1],
  [range(1, 2), range(2, 3), 2],
  [range(1, 5), range(2, 4), 4],
  [range(0, 0), range(0, 9), 0],
  [range(1, 1), range(2, 2), undefined],
  [range(3, 4), range(1, 2), undefined],
])('uses of %j and %j the version %s, whichever side offers which', (one, other, version) => {
  expect(highestCommonVersion(one, other)).toBe(version);
  expect(highestCommonVersion(other, one)).toBe(version);
});

it('takes a peer without a range for one that speaks its version only', () => {
  expect(versionsOf({ version: 1 })).toEqual(range(1, 1));
  expect(versionsOf({ version: 1, versions: range(1, 3) })).toEqual(range(1, 3));
});

it('offers a version that an edge of 0.2.0 accepts', () => {
  expect(LINK_VERSIONS.min).toBe(1);
});

const peer = (versions: VersionRange, version?: string): PeerOffer => ({
  version: versions.min,
  versions,
  ...(version === undefined ? {} : { software: { version } }),
});

it.each([
  [
    peer(range(1, 1), '0.2.0'),
    peer(range(2, 3), '0.4.0'),
    'Link version: adapter 1, edge 2 to 3. Update the adapter to 0.4.0.',
  ],
  [
    peer(range(3, 4), '0.5.0'),
    peer(range(1, 2), '0.3.0'),
    'Link version: adapter 3 to 4, edge 1 to 2. Update the edge to 0.5.0.',
  ],
  [
    { version: 1 },
    peer(range(2, 2), '0.4.0'),
    'Link version: adapter 1, edge 2. Update the adapter to 0.4.0.',
  ],
  [
    { version: 2 },
    peer(range(1, 1)),
    'Link version: adapter 2, edge 1. Update the edge to the release of the adapter.',
  ],
])('says which side must be updated, and to which release: %j %j', (adapter, edge, sentence) => {
  expect(updateAdvice(adapter, edge)).toBe(sentence);
});

it('says so in a close frame, however long the values are', () => {
  const longest = peer(range(9_998, 9_999), 'x'.repeat(32));
  for (const sentence of [
    updateAdvice(longest, peer(range(1_000, 9_997))),
    updateAdvice(peer(range(1_000, 9_997)), longest),
  ])
    expect(closeReason(sentence)).toBe(sentence);
});

it('rejects an empty range, and numbers that would not fit', () => {
  for (const wrong of [range(2, 1), range(-1, 1), range(1, 10_000), range(1, 1.5)])
    expect(VersionRange.safeParse(wrong).success).toBe(false);
});

it('ignores unknown features, and knows what an edge does not take', () => {
  expect(eventsNotTaken([...EDGE_FEATURES, 'telepathy'])).toEqual([]);
  expect(eventsNotTaken(['telepathy'])).toEqual(SCRIPT_EVENT_NAMES);
  expect(eventsNotTaken(['E_CALL_BYE'])).toEqual(['E_CALL_REFUSED']);
  // An edge of 0.2.0 lists no features, and takes both.
  expect(eventsNotTaken(undefined)).toEqual([]);
});
