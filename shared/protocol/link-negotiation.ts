/**
 * What adapter and edge negotiate in `hello` and `welcome`: the version of the link protocol, and optional features. Both ends may be
 * of different releases, so these fields keep their meaning in all versions. Pure.
 * @module
 */
import * as z from 'zod';
import { type EviEvent, SCRIPT_EVENT_NAMES } from '../opensips/evi.ts';

/** A release is named in the reason of a close frame, which has 123 bytes, and an adapter's is in its socket attachment. */
const MAX_RELEASE_LENGTH = 32;

/** Versions have few digits, so that both ranges fit into a close frame as well. */
const Version = z.number().int().min(0).max(9_999);

/** The versions of the link protocol that a peer speaks, both included. */
export const VersionRange = z
  .object({ min: Version, max: Version })
  .refine(({ min, max }) => min <= max, { message: 'is empty. Use a `max` of at least `min`.' });
export type VersionRange = z.infer<typeof VersionRange>;

/** The versions that this release speaks. One that drops a version must still speak those of the release before it. */
export const LINK_VERSIONS: VersionRange = { min: 1, max: 1 };

/** Names of what a peer understands beyond its version. Unknown ones are ignored, so both lists may grow at any time. */
export const Features = z.array(z.string()).readonly();

/** What a peer runs on. Only people use it: what a peer can do is in its versions and features. */
export const Software = z.object({
  /** The release, such as `0.2.0`. */
  version: z.string().max(MAX_RELEASE_LENGTH),
  /** The version of Node.js; absent from an edge. */
  node: z.string().max(MAX_RELEASE_LENGTH).optional(),
});
export type Software = z.infer<typeof Software>;

/** The edge takes `release`, and has a standby take over. */
export const RELEASE_FEATURE = 'release';

/** The adapter takes `role`. */
export const ROLE_FEATURE = 'role';

/** The adapter takes `list`. */
export const LIST_FEATURE = 'list';

/** The edge sends `interest`, and the adapter takes it: events of calls that nobody waits for may then wait. */
export const INTEREST_FEATURE = 'interest';

/** The features of this edge. Events of the example script have their names; every edge takes the other events. */
export const EDGE_FEATURES: readonly string[] = [...SCRIPT_EVENT_NAMES, RELEASE_FEATURE, INTEREST_FEATURE];

/** The features of an edge of 0.2.0, whose `welcome` does not list them. */
const EDGE_FEATURES_OF_0_2_0: readonly string[] = ['E_CALL_REFUSED', 'E_CALL_BYE'];

/** The features of this adapter. What its OpenSIPS can do is in `opensips`. */
export const ADAPTER_FEATURES: readonly string[] = [ROLE_FEATURE, LIST_FEATURE, INTEREST_FEATURE];

/** The fields of `hello` and `welcome` that the negotiation reads. */
export interface PeerOffer {
  readonly version: number;
  readonly versions?: VersionRange | undefined;
  readonly software?: Software | undefined;
}

/** Returns the versions that a peer speaks. */
export function versionsOf({ version, versions }: PeerOffer): VersionRange {
  return versions ?? { min: version, max: version };
}

/** Returns the highest version that both speak; undefined if there is none. */
export function highestCommonVersion(one: VersionRange, other: VersionRange): number | undefined {
  const highest = Math.min(one.max, other.max);
  return highest >= Math.max(one.min, other.min) ? highest : undefined;
}

/**
 * Returns which side must be updated, and to which release, for two peers without a common version. It fits into a close frame.
 */
export function updateAdvice(adapter: PeerOffer, edge: PeerOffer): string {
  const [ofAdapter, ofEdge] = [versionsOf(adapter), versionsOf(edge)];
  const isAdapterOlder = ofAdapter.max < ofEdge.min;
  const [older, newer] = isAdapterOlder ? ['adapter', edge] : ['edge', adapter];
  const release = newer.software?.version ?? `the release of the ${isAdapterOlder ? 'edge' : 'adapter'}`;
  return `Link version: adapter ${formatRange(ofAdapter)}, edge ${formatRange(ofEdge)}. Update the ${older} to ${release}.`;
}

function formatRange({ min, max }: VersionRange): string {
  return min === max ? `${min}` : `${min} to ${max}`;
}

/**
 * Returns the names of the events that an edge does not know. They must not be sent: the edge would reject their frame, and the adapter
 * would send it again without end.
 * @param features those of its `welcome`
 */
export function eventsNotTaken(
  features: readonly string[] = EDGE_FEATURES_OF_0_2_0,
): readonly EviEvent['name'][] {
  return SCRIPT_EVENT_NAMES.filter((name) => !features.includes(name));
}
