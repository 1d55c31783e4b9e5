/**
 * How phones behave. The user part of a SIP URI chooses: `sip:ring@…` rings and never answers.
 * @module
 */

/** What comes back to an INVITE. */
export type Answer =
  | { readonly kind: 'answers' /** After ringing so long; 0: at once. */; readonly afterMs: number }
  | { readonly kind: 'rings' }
  | { readonly kind: 'refuses'; readonly status: string }
  | { readonly kind: 'silent' };

/** What a phone, or the script in its place, does. Each trait is seen in a trace, but for those that say otherwise. */
export type Manner = {
  /** Its make: what its Contact, SDP and replies look like. */
  readonly make: 'baresip' | 'scripted';
  /** The script refuses in the phone's place, so the INVITE never reaches one (`callee-404`). */
  readonly refusedByScript?: string;
  readonly answer: Answer;
  /** What happens to the call that a REFER came in: kept until told, or hung up when the new call has begun, or before. */
  readonly firstLeg: 'keeps' | 'hangs up' | 'hangs up early';
  /** Refuses REFER (603): nothing is said at all (`refer-refused`). */
  readonly refusesRefer?: boolean;
  /** Refuses a re-INVITE (488; `hold-refused`). */
  readonly refusesReinvite?: boolean;
  /** Refuses an INVITE with Replaces (486; `attended-refused`). */
  readonly refusesReplaces?: boolean;
  /** Notifies `180 Ringing` too (`start-progress`). */
  readonly notifiesRinging?: boolean;
  /** Cancels its new call after so many milliseconds (`caller-gives-up`). */
  readonly givesUpAfterMs?: number;
  /** Strips the URI's parameters, `osid` among them, from To (`start-unmatched-bare`). */
  readonly stripsParameters?: boolean;
  /** Writes the URI that it was called under into From (`start-ok`). */
  readonly copiesCalledUri?: boolean;
};

/** Answers at once; hangs the first leg up by itself; copies the URI it was called under into From (`start-ok`). */
export const BARESIP: Manner = {
  make: 'baresip',
  answer: { kind: 'answers', afterMs: 0 },
  firstLeg: 'hangs up',
  copiesCalledUri: true,
};

/** Answers at once; keeps the first leg until told; a last notify (`hold-refused`). */
export const KEEP: Manner = {
  make: 'scripted',
  answer: { kind: 'answers', afterMs: 0 },
  firstLeg: 'keeps',
};

const refuses = (status: string): Manner => ({ ...KEEP, answer: { kind: 'refuses', status } });
const refusedByScript = (status: string): Manner => ({ ...BARESIP, refusedByScript: status });

/** How long before its new call the phone `early` hangs up (`start-unmatched`). */
export const EARLY_MS = 20;
/** How long after a Replaces its phone ends the call that was replaced (`attended`). */
export const REPLACED_ENDS_MS = 20;

/** The named phones. Whoever is not here has the manners of `BARESIP`. */
export const MANNERS: ReadonlyMap<string, Manner> = new Map<string, Manner>([
  ['keep', KEEP],
  ['busy', refusedByScript('486 Busy Here')],
  ['decline', refusedByScript('603 Decline')],
  ['nobody', refusedByScript('404 Not Found')],
  ['silent', { ...BARESIP, answer: { kind: 'silent' } }],
  ['phone-busy', refuses('486 Busy Here')],
  ['phone-decline', refuses('603 Decline')],
  ['ring', { ...KEEP, answer: { kind: 'rings' } }],
  ['tells', { ...KEEP, notifiesRinging: true }],
  ['fickle', { ...KEEP, givesUpAfterMs: 600 }],
  ['norefer', { ...KEEP, refusesRefer: true }],
  ['early', { ...KEEP, firstLeg: 'hangs up early' }],
  ['early-bare', { ...KEEP, firstLeg: 'hangs up early', stripsParameters: true }],
  ['nohold', { ...KEEP, refusesReinvite: true }],
  ['norep', { ...KEEP, refusesReplaces: true }],
]);

/** The manners of a user. What follows a dot or a plus does not count: `bob.17` is as `bob`. */
export function mannerOf(user: string, overrides: Readonly<Record<string, Manner>> = {}): Manner {
  const name = user.replace(/[.+].*$/, '');
  const override = overrides[user] ?? overrides[name];
  if (override !== undefined) return override;
  const delay = /^(?:answer|ring)-(\d{1,9})$/.exec(name)?.[1];
  if (delay !== undefined) return { ...KEEP, answer: { kind: 'answers', afterMs: Number(delay) } };
  return MANNERS.get(name) ?? BARESIP;
}
