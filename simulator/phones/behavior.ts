/**
 * How simulated phones behave. The user part of a SIP URI selects it: `sip:ring@…` rings and never answers.
 * @module
 */

/** What a phone does with an INVITE. */
export type InviteReaction =
  /** Rings for the given time and answers; 0: answers at once. */
  | { readonly kind: 'answer'; readonly afterMs: number }
  /** Rings and never answers. */
  | { readonly kind: 'ring' }
  | { readonly kind: 'refuse'; readonly status: string }
  /** Refuses an INVITE without credentials with this status, and answers one that has them at once. */
  | { readonly kind: 'challenge'; readonly status: string }
  /** Refers the caller to another user with 302. */
  | { readonly kind: 'redirect'; readonly user: string }
  /** Sends nothing back. */
  | { readonly kind: 'silent' };

/** What a phone does, or the script on its behalf. Each trait was recorded in the named trace. */
export type PhoneBehavior = {
  /** Determines the form of its Contact, SDP and replies. */
  readonly userAgent: 'baresip' | 'scripted';
  /** The status with which the script refuses the call, so that the INVITE never reaches a phone (`callee-404`). */
  readonly scriptRefusal?: string;
  /**
   * The status with which the script refuses an INVITE without credentials, after it has created the dialog. That is
   * then listed for a while if the reply was stateful, as here (measured on 3.4.18, 3.6.8 and 4.0.1).
   */
  readonly scriptChallenge?: string;
  readonly onInvite: InviteReaction;
  /** What it does with the call on which a REFER arrived: keeps it, or hangs up after or before its new INVITE. */
  readonly firstLeg: 'keep' | 'hang up' | 'hang up early';
  /** Refuses REFER with 603, of which OpenSIPS raises no event (`refer-refused`). */
  readonly refusesRefer?: boolean;
  /** Accepts REFER and does nothing (`refer-accepted-nothing`). */
  readonly ignoresRefer?: boolean;
  /** Goes on with the same Call-ID after 302, 401 or 407 to its new call (`callee-followed`). */
  readonly followsRefusals?: boolean;
  /** Does not know Replaces: on an attended transfer it places a plain call to the destination. */
  readonly ignoresReplaces?: boolean;
  /** Answers without a provisional response. */
  readonly skipsRinging?: boolean;
  /** Is frozen as soon as it has answered (`hold-vanished`). */
  readonly vanishes?: boolean;
  /** Refuses a re-INVITE (488; `hold-refused`). */
  readonly refusesReinvite?: boolean;
  /** Refuses an INVITE with Replaces (486; `attended-refused`). */
  readonly refusesReplaces?: boolean;
  /** Sends a NOTIFY for `180 Ringing` too (`start-progress`). */
  readonly notifiesRinging?: boolean;
  /** Cancels its new call after this time (`caller-gives-up`). */
  readonly cancelsAfterMs?: number;
  /** Strips the URI's parameters, including `osid`, from To (`start-unmatched-bare`). */
  readonly stripsUriParameters?: boolean;
  /** Uses the URI under which it was called as its From (`start-ok`). */
  readonly copiesCalledUri?: boolean;
};

/**
 * Answers at once, hangs up the first leg by itself, and uses the URI under which it was called as From (`start-ok`).
 */
export const BARESIP_PHONE: PhoneBehavior = {
  userAgent: 'baresip',
  onInvite: { kind: 'answer', afterMs: 0 },
  firstLeg: 'hang up',
  copiesCalledUri: true,
};

/** Answers at once, keeps the first leg until it gets a BYE, and sends a last NOTIFY (`hold-refused`). */
export const KEEP_PHONE: PhoneBehavior = {
  userAgent: 'scripted',
  onInvite: { kind: 'answer', afterMs: 0 },
  firstLeg: 'keep',
};

const refusingPhone = (status: string): PhoneBehavior => ({
  ...KEEP_PHONE,
  onInvite: { kind: 'refuse', status },
});
const challengingPhone = (status: string): PhoneBehavior => ({
  ...KEEP_PHONE,
  onInvite: { kind: 'challenge', status },
});
const refusedByScript = (status: string): PhoneBehavior => ({ ...BARESIP_PHONE, scriptRefusal: status });

/** How long before its new call the phone `early` hangs up (`start-unmatched`). */
export const EARLY_HANG_UP_MS = 20;
/** How long after an INVITE with Replaces the phone ends the replaced call (`attended`). */
export const REPLACED_CALL_END_MS = 20;

/** The named phones. All other users behave as `BARESIP_PHONE`. */
export const PHONES: ReadonlyMap<string, PhoneBehavior> = new Map<string, PhoneBehavior>([
  ['keep', KEEP_PHONE],
  ['busy', refusedByScript('486 Busy Here')],
  ['decline', refusedByScript('603 Decline')],
  ['nobody', refusedByScript('404 Not Found')],
  ['silent', { ...BARESIP_PHONE, onInvite: { kind: 'silent' } }],
  ['phone-busy', refusingPhone('486 Busy Here')],
  ['phone-decline', refusingPhone('603 Decline')],
  ['ring', { ...KEEP_PHONE, onInvite: { kind: 'ring' } }],
  ['tells', { ...KEEP_PHONE, notifiesRinging: true }],
  ['fickle', { ...KEEP_PHONE, cancelsAfterMs: 600 }],
  ['norefer', { ...KEEP_PHONE, refusesRefer: true }],
  ['early', { ...KEEP_PHONE, firstLeg: 'hang up early' }],
  ['early-bare', { ...KEEP_PHONE, firstLeg: 'hang up early', stripsUriParameters: true }],
  ['nohold', { ...KEEP_PHONE, refusesReinvite: true }],
  ['norep', { ...KEEP_PHONE, refusesReplaces: true }],
  ['norep-plain', { ...BARESIP_PHONE, ignoresReplaces: true }],
  ['lazy', { ...KEEP_PHONE, ignoresRefer: true }],
  ['follow', { ...KEEP_PHONE, followsRefusals: true }],
  ['redir', { ...KEEP_PHONE, onInvite: { kind: 'redirect', user: 'vm' } }],
  ['gw', challengingPhone('407 Proxy Authentication Required')],
  ['gw401', challengingPhone('401 Unauthorized')],
  ['challenge', { ...KEEP_PHONE, scriptChallenge: '407 Proxy Authentication Required' }],
  ['vanish', { ...KEEP_PHONE, vanishes: true }],
]);

/** What an INVITE has beyond its addresses. */
export type InviteTraits = { readonly hasReplaces?: boolean; readonly hasCredentials?: boolean };

/** Returns the behavior towards one INVITE: a reaction that depends on it becomes an answer or a refusal. */
export function behaviorTowards(
  behavior: PhoneBehavior,
  { hasReplaces = false, hasCredentials = false }: InviteTraits = {},
): PhoneBehavior {
  const { onInvite } = behavior;
  if (hasReplaces && behavior.refusesReplaces) return refusing(behavior, '486 Busy Here');
  if (onInvite.kind === 'redirect') return refusing(behavior, '302 Moved Temporarily');
  if (onInvite.kind !== 'challenge') return behavior;
  return hasCredentials
    ? { ...behavior, onInvite: { kind: 'answer', afterMs: 0 } }
    : refusing(behavior, onInvite.status);
}

const refusing = (behavior: PhoneBehavior, status: string): PhoneBehavior => ({
  ...behavior,
  onInvite: { kind: 'refuse', status },
});

/** Returns the behavior of a user. The part after a dot or a plus is ignored: `bob.17` behaves as `bob`. */
export function behaviorOf(
  user: string,
  overrides: Readonly<Record<string, PhoneBehavior>> = {},
): PhoneBehavior {
  const name = user.replace(/[.+].*$/, '');
  const override = overrides[user] ?? overrides[name];
  if (override !== undefined) return override;
  const delay = /^(?:answer|ring)-(\d{1,9})$/.exec(name)?.[1];
  if (delay !== undefined) return { ...KEEP_PHONE, onInvite: { kind: 'answer', afterMs: Number(delay) } };
  return PHONES.get(name) ?? BARESIP_PHONE;
}
