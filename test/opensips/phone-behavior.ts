/** The behaviors of the SIP phones in these tests, including faulty ones and those seen in real phones. @module */

export interface PhoneBehavior {
  /** The reaction to a new call: answers after this many milliseconds, rings forever, is busy, or redirects. */
  readonly onInvite: number | 'ring' | 'busy' | 'redirect';
  /** Whether a new call must have credentials; any are accepted. */
  readonly challenges: boolean;
  /** The reaction to a REFER: calls its target, only accepts it, or refuses it. */
  readonly onRefer: 'call' | 'accept' | 'refuse';
  /** When it hangs up the call on which a REFER arrived: never, after its new call has started, or before. */
  readonly hangsUpFirstLeg: 'never' | 'after' | 'before';
  /** Whether it sends NOTIFYs with the progress of its new call before the one with the result. */
  readonly notifiesProgress: boolean;
  /** Whether the To of its new call has the parameters of Refer-To's URI, including `osid`. */
  readonly keepsUriParameters: boolean;
  /** Whether a call of its own goes on after 302, 401 and 407, with the same Call-ID. */
  readonly followsReplies: boolean;
  /** Whether it accepts a re-INVITE. */
  readonly acceptsReinvite: boolean;
  /** The reaction to Replaces: it replaces the call, refuses, or places and takes a plain new call. */
  readonly onReplaces: 'replace' | 'refuse' | 'ignore';
}

const KEEP: PhoneBehavior = {
  onInvite: 0,
  challenges: false,
  onRefer: 'call',
  hangsUpFirstLeg: 'never',
  notifiesProgress: false,
  keepsUriParameters: false,
  followsReplies: false,
  acceptsReinvite: true,
  onReplaces: 'replace',
};

const BEHAVIORS = {
  /** Keeps the first leg until it gets a BYE, and sends a NOTIFY with the result of its new call. */
  keep: KEEP,
  /** Hangs up the first leg by itself as soon as its new call has started, as baresip does. */
  ok: { ...KEEP, hangsUpFirstLeg: 'after', keepsUriParameters: true },
  /** Hangs up the first leg before its new call: OpenSIPS cannot match the two and raises no event. */
  early: { ...KEEP, hangsUpFirstLeg: 'before', keepsUriParameters: true },
  'early-bare': { ...KEEP, hangsUpFirstLeg: 'before' },
  norefer: { ...KEEP, onRefer: 'refuse' },
  /** Accepts a REFER and does nothing. */
  lazy: { ...KEEP, onRefer: 'accept' },
  /** Sends a NOTIFY for each step of its new call. */
  progress: { ...KEEP, notifiesProgress: true },
  /** Goes on after 302, 401 and 407. */
  follow: { ...KEEP, followsReplies: true, keepsUriParameters: true },
  busy: { ...KEEP, onInvite: 'busy' },
  ring: { ...KEEP, onInvite: 'ring' },
  /** Redirects to the phone's `redirectTarget` with 302. */
  redir: { ...KEEP, onInvite: 'redirect' },
  /** Like a gateway, challenges with 407 a call without credentials. */
  gw: { ...KEEP, challenges: true },
  nohold: { ...KEEP, acceptsReinvite: false },
  norep: { ...KEEP, onReplaces: 'refuse' },
  /** Does not know Replaces: after a REFER with it, it places a plain new call and hangs up the old one. */
  'norep-plain': { ...KEEP, onReplaces: 'ignore', hangsUpFirstLeg: 'after', keepsUriParameters: true },
} as const satisfies Record<string, PhoneBehavior>;

/** `answer-N` rings and answers after N milliseconds. */
export type BehaviorName = keyof typeof BEHAVIORS | `answer-${number}`;

export function findBehavior(name: BehaviorName): PhoneBehavior {
  const delay = /^answer-(\d+)$/.exec(name)?.[1];
  if (delay !== undefined) return { ...KEEP, onInvite: Number(delay) };
  return isListed(name) ? BEHAVIORS[name] : KEEP;
}

function isListed(name: string): name is keyof typeof BEHAVIORS {
  return Object.hasOwn(BEHAVIORS, name);
}
