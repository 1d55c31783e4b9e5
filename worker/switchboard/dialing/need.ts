/** Whether a site whose adapter is dialed needs its link, and how soon. Pure. @module */

/** What a need depends on. */
export interface NeedFacts {
  /** Messages of clients wait for the link. */
  readonly isAwaited: boolean;
  /** The adapter has asked to be dialed. */
  readonly hasKnocked: boolean;
  /** The number of running commands. */
  readonly running: number;
  /** The number of active calls that commands have made. */
  readonly ownCalls: number;
  /** A client watches calls, or webhooks would miss the end of one. */
  readonly isWatched: boolean;
  /** The setting of the site. */
  readonly keep: boolean;
}

/** `now`: somebody waits. `soon`: after a failure, the delay between attempts applies. `none`: an idle link may be closed. */
export type Need = 'now' | 'soon' | 'none';

/** Returns how much the site needs the link. */
export function needOf({ isAwaited, hasKnocked, running, ownCalls, isWatched, keep }: NeedFacts): Need {
  if (isAwaited || hasKnocked || running > 0) return 'now';
  return ownCalls > 0 || isWatched || keep ? 'soon' : 'none';
}
