/** The behaviors of the SIP phones in these tests, including faulty ones and those seen in real phones. @module */

export interface PhoneBehavior {
  /** The reaction to a new call: answers after this many milliseconds, rings forever, or is busy. */
  readonly onInvite: number | 'ring' | 'busy';
  /** Whether it accepts a REFER. */
  readonly acceptsRefer: boolean;
  /** When it hangs up the call on which a REFER arrived: never, after its new call has started, or before. */
  readonly hangsUpFirstLeg: 'never' | 'after' | 'before';
  /** Whether the To of its new call has the parameters of Refer-To's URI, including `osid`. */
  readonly keepsUriParameters: boolean;
  /** Whether it accepts a re-INVITE. */
  readonly acceptsReinvite: boolean;
  /** Whether it accepts an INVITE with Replaces. */
  readonly acceptsReplaces: boolean;
}

const KEEP: PhoneBehavior = {
  onInvite: 0,
  acceptsRefer: true,
  hangsUpFirstLeg: 'never',
  keepsUriParameters: false,
  acceptsReinvite: true,
  acceptsReplaces: true,
};

const BEHAVIORS = {
  /** Keeps the first leg until it gets a BYE, and sends a NOTIFY with the result of its new call. */
  keep: KEEP,
  /** Hangs up the first leg by itself as soon as its new call has started, as baresip does. */
  ok: { ...KEEP, hangsUpFirstLeg: 'after', keepsUriParameters: true },
  /** Hangs up the first leg before its new call: OpenSIPS cannot match the two and raises no event. */
  early: { ...KEEP, hangsUpFirstLeg: 'before', keepsUriParameters: true },
  'early-bare': { ...KEEP, hangsUpFirstLeg: 'before' },
  norefer: { ...KEEP, acceptsRefer: false },
  busy: { ...KEEP, onInvite: 'busy' },
  ring: { ...KEEP, onInvite: 'ring' },
  nohold: { ...KEEP, acceptsReinvite: false },
  norep: { ...KEEP, acceptsReplaces: false },
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
