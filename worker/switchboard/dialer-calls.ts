/** What a Dialer asks of a site. @module */
import type { DialOrder } from '../../shared/policy/link-setting.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Dialing } from './dialing/dialing.ts';
import type { Link } from './link/link.ts';

interface DialedSite {
  readonly dialing: Dialing;
  readonly commits: CommitQueue;
  readonly link: Link;
}

/** A Dialer could not open the link, or has lost it. Returns where to dial again; null for nowhere. */
export function onDialFailed(
  { dialing, commits }: DialedSite,
  reason: string,
  shard: number,
  isLast: boolean,
): DialOrder | null {
  const now = Date.now();
  const target = dialing.onFailed(reason, shard, isLast, now);
  commits.endTurn(now);
  return target;
}

/** Closes the link unless it is needed, once everything is stored. */
export function releaseLink({ dialing, commits, link }: DialedSite): void {
  const now = Date.now();
  if (!dialing.release(now)) return;
  commits.commit(now);
  link.release(now);
  commits.endTurn(now);
}
