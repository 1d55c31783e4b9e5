/** How a phone behaves: good manners, bad ones, and those that real phones were seen to have. @module */

export interface Manners {
  /** To a new call: it answers after so many milliseconds, rings for ever, or is busy. */
  readonly answers: number | 'never' | 'busy';
  /** Does it take a REFER? */
  readonly transfers: boolean;
  /** When does it hang up the call that a REFER came on: never, when the new call has begun, or before it begins? */
  readonly hangsUp: 'never' | 'begun' | 'before';
  /** Does it keep the parameters of Refer-To's URI, `osid` among them, in the To of its new call? */
  readonly keepsParameters: boolean;
  /** Does it take a re-INVITE? */
  readonly holds: boolean;
  /** Does it take an INVITE with Replaces? */
  readonly replaces: boolean;
}

const KEEP: Manners = {
  answers: 0,
  transfers: true,
  hangsUp: 'never',
  keepsParameters: false,
  holds: true,
  replaces: true,
};

const NAMED = {
  /** Keeps the first leg until it is told, and tells how its new call went. */
  keep: KEEP,
  /** Hangs the first leg up itself as soon as its new call has begun, as baresip does. */
  ok: { ...KEEP, hangsUp: 'begun', keepsParameters: true },
  /** Hangs the first leg up before its new call: OpenSIPS cannot match the two, and raises no event. */
  early: { ...KEEP, hangsUp: 'before', keepsParameters: true },
  'early-bare': { ...KEEP, hangsUp: 'before' },
  norefer: { ...KEEP, transfers: false },
  busy: { ...KEEP, answers: 'busy' },
  ring: { ...KEEP, answers: 'never' },
  nohold: { ...KEEP, holds: false },
  norep: { ...KEEP, replaces: false },
} as const satisfies Record<string, Manners>;

/** `answer-N` rings and answers after N milliseconds. */
export type Manner = keyof typeof NAMED | `answer-${number}`;

export function mannersOf(name: Manner): Manners {
  const answers = /^answer-(\d+)$/.exec(name)?.[1];
  if (answers !== undefined) return { ...KEEP, answers: Number(answers) };
  return isNamed(name) ? NAMED[name] : KEEP;
}

function isNamed(name: string): name is keyof typeof NAMED {
  return Object.hasOwn(NAMED, name);
}
