/** How many sites a Dialer serves. Pure. @module */

/** A link with a frame other than ping and pong within this time, in milliseconds, is busy. */
const BUSY_WITHIN_MS = 60_000;

/** Each frame is handled by the Dialer and by the Switchboard, and an object handles some thousand frames a second. */
const MAX_BUSY = 8;

/** Idle sites cost a ping in ten seconds each. */
const MAX_SITES = 200;

/** When each site was active last, in Unix milliseconds; one that is being dialed counts as active now. */
export type Activity = readonly { readonly activeAt: number }[];

/** Returns whether one more site should be dialed by another Dialer. */
export function isFull(sites: Activity, now: number): boolean {
  return sites.length >= MAX_SITES || isBusy(sites, now);
}

/** Returns whether a site that becomes busy should move to another Dialer. */
export function isBusy(sites: Activity, now: number): boolean {
  return sites.filter(({ activeAt }) => now - activeAt < BUSY_WITHIN_MS).length >= MAX_BUSY;
}

/** Returns whether a site with this last activity is idle. */
export function isIdle(activeAt: number, now: number): boolean {
  return now - activeAt >= BUSY_WITHIN_MS;
}
