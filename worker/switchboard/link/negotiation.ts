/** The edge's side of the negotiation with an adapter. Pure. @module */
import { version as release } from '../../../package.json';
import type { Checked, Welcome } from '../../../shared/protocol/link.ts';
import {
  EDGE_FEATURES,
  highestCommonVersion,
  LINK_VERSIONS,
  type PeerOffer,
  updateAdvice,
  versionsOf,
} from '../../../shared/protocol/link-negotiation.ts';

const SOFTWARE = { version: release };
const EDGE = { version: LINK_VERSIONS.max, versions: LINK_VERSIONS, software: SOFTWARE };

/** The version to use, or why there is none: it says which side must be updated. */
export type Negotiated = { readonly version: number } | { readonly rejected: string };

/** Negotiates the version of the link with an adapter. */
export function negotiate(adapter: PeerOffer): Negotiated {
  const version = highestCommonVersion(versionsOf(adapter), LINK_VERSIONS);
  return version === undefined ? { rejected: updateAdvice(adapter, EDGE) } : { version };
}

/** Returns the response to `hello`. */
export function welcomeWith(
  version: number,
  position: Pick<Welcome, 'stream' | 'applied' | 'sent_at' | 'role'>,
): Welcome {
  return { type: 'welcome', ...EDGE, version, features: EDGE_FEATURES, ...position };
}

/** Returns the response to `check`. @param adapter the name of the adapter that is connected */
export function checkedWith(version: number, adapter: string | undefined): Checked {
  return { type: 'checked', ...EDGE, version, ...(adapter === undefined ? {} : { adapter }) };
}
