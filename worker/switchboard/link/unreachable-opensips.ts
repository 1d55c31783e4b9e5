/** When a standby replaces the adapter that serves the site because its OpenSIPS does not answer. Pure. @module */
import type { AdapterConnection } from './adapter-connection.ts';

/**
 * How long the OpenSIPS of the serving adapter must have been unreachable, and that of a standby reachable, in milliseconds. An adapter
 * knows within 9 s that its OpenSIPS does not answer (`adapter/timing.ts`), so a takeover begins within 15 s. A shorter time would replace
 * an adapter whose OpenSIPS only restarts; and of two that come and go, none is replaced before it has failed for as long again.
 */
export const UNREACHABLE_AFTER_MS = 5_000;

type Reachability = Pick<AdapterConnection, 'opensips' | 'reachableSince'>;

/** Returns when that is, in Unix milliseconds; infinity for never. */
export function replacementDue(active: Reachability, standbys: readonly Reachability[]): number {
  const reachable = standbys.filter(({ opensips }) => opensips.reachable);
  if (active.opensips.reachable || reachable.length === 0) return Number.POSITIVE_INFINITY;
  const since = Math.min(...reachable.map(({ reachableSince }) => reachableSince));
  return Math.max(active.reachableSince, since) + UNREACHABLE_AFTER_MS;
}
