/** What the load of a run consists of: kinds of calls, and the phones in them (simulator/README.md). @module */

/** What happens in a call. */
export type CallKind =
  | 'answered'
  | 'controlled'
  | 'refused'
  | 'unresponsive'
  | 'canceled'
  | 'attended'
  | 'no call';

export const WEIGHTED_KINDS: readonly [readonly [number, CallKind], ...(readonly [number, CallKind])[]] = [
  [2, 'answered'],
  [8, 'controlled'],
  [4, 'refused'],
  [1, 'unresponsive'],
  [4, 'canceled'],
  [2, 'attended'],
  [2, 'no call'],
];

/** Phones that answer, each differently. With the `early` ones OpenSIPS cannot match the two calls. */
export const CALLERS = ['alice', 'keep', 'tells', 'early', 'early-bare', 'answer-300', 'ring-900'] as const;
export const CALLEES = [
  'bob',
  'keep',
  'answer-200',
  'answer-1200',
  'ring-500',
  'nohold',
  'norefer',
  'vanish',
] as const;

type FollowedCall = readonly [caller: string, callee: string];

/** Calls that are refused at first and go on with the same Call-ID, in a second dialog. */
export const FOLLOWED_CALLS: readonly [FollowedCall, ...FollowedCall[]] = [
  ['follow', 'gw'],
  ['follow', 'gw401'],
  ['follow', 'redir'],
  ['keep', 'challenge'],
  ['answer-300', 'challenge'],
];

/** Destinations that the script refuses before they ring. */
export const REFUSED_BY_SCRIPT: readonly string[] = ['busy', 'nobody'];
