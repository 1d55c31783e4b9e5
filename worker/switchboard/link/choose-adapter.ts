/** Chooses the adapter that runs a new command, where all adapters of a site serve it. Pure. @module */
import type { OpenSipsStatus } from '../../../shared/protocol/link.ts';

/** An adapter that serves the site; without a name where it serves the whole site. */
export interface ServingAdapter {
  readonly adapter?: string;
  readonly opensips: OpenSipsStatus;
}

/** What the choice depends on. */
export interface ChoiceFacts {
  /** The adapter of the call that the command is about; undefined for a new call. */
  readonly owner: string | undefined;
  /** Returns how many CallStarts an adapter runs. */
  readonly startsOf: (adapter: string) => number;
}

/**
 * Returns the adapter that runs a command: that of the call; for a new call, the one that runs the fewest CallStarts, and first of those
 * whose OpenSIPS is reachable. Undefined if the adapter of the call is lost: another OpenSIPS would say that there is no such call.
 * @param serving those that serve the site, the oldest connection first
 */
export function chooseAdapter<A extends ServingAdapter>(
  serving: readonly A[],
  { owner, startsOf }: ChoiceFacts,
): A | undefined {
  if (owner !== undefined) return serving.find(({ adapter }) => adapter === owner);
  const load = ({ adapter = '', opensips }: A) =>
    startsOf(adapter) + (opensips.reachable ? 0 : Number.MAX_SAFE_INTEGER);
  return [...serving].sort((one, other) => load(one) - load(other))[0];
}
