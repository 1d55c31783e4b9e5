/**
 * The session version in the `o=` line of an SDP. A phone may ignore an offer whose version it has seen (RFC 3264 §8), so each
 * offer has a higher one than those before.
 * @module
 */

/** `o=<username> <sess-id> <sess-version> …` (RFC 8866 §5.2). */
const ORIGIN = /^(o=\S+ \S+ )(\d{1,20})(?= )/m;

/** Returns the session version; undefined if the SDP has no valid `o=` line. */
export function sdpVersion(sdp: string): bigint | undefined {
  const version = ORIGIN.exec(sdp)?.[2];
  return version === undefined ? undefined : BigInt(version);
}

/** Returns the SDP with another session version. One without a valid `o=` line is unchanged. */
export function withSdpVersion(sdp: string, version: bigint): string {
  return sdp.replace(ORIGIN, (_, before: string) => `${before}${version}`);
}

/** The most legs whose version is remembered: some 100 bytes each. */
const MAX_LEGS = 20_000;

/**
 * The least difference to the SDP's own version. Without it, a hold in the first 100 ms of a call would have the version of the phone's
 * own next SDP, which the other phone could then ignore. A phone does not send a hundred re-INVITEs in that time.
 */
const HEAD_START = 100n;

/** The part of the version that grows with the age of a call: one for each 100 ms. */
const STEP_MS = 100;

/**
 * The versions sent so far, for each leg of each dialog.
 *
 * The next version is the SDP's own, plus a hundred, plus the age of the call in tenths of a second; at least one more than the
 * last one sent. It rises after a restart of the adapter, too, when the last one is forgotten: the age has grown meanwhile,
 * and nobody holds and resumes a leg ten times a second. For a call of a day it is less than 900,000 above the SDP's own
 * version, so a version from an NTP timestamp stays within 32 bits (until 2036). Because of the age a later version of the
 * phone itself, which counts up by one, is not equal to one of these.
 */
export class SdpVersions {
  readonly #maxLegs: number;
  /** The newest last. */
  readonly #lastSent = new Map<string, bigint>();

  constructor(maxLegs = MAX_LEGS) {
    this.#maxLegs = maxLegs;
  }

  /**
   * Returns the version for the next SDP to a leg, and remembers it.
   * @param own the version of the SDP that the new one is made from
   * @param ageMs the time since the call was answered. Clocks may differ: a negative age counts as zero
   */
  next(dialogId: string, leg: string, own: bigint, ageMs: number): bigint {
    const key = keyOf(dialogId, leg);
    const byAge = own + HEAD_START + BigInt(Math.max(0, Math.floor(ageMs / STEP_MS)));
    const last = this.#lastSent.get(key) ?? -1n;
    const version = byAge > last ? byAge : last + 1n;
    this.#lastSent.delete(key);
    this.#lastSent.set(key, version);
    this.#limit();
    return version;
  }

  /** Forgets a dialog that has ended. */
  forget(dialogId: string): void {
    for (const leg of ['caller', 'callee']) this.#lastSent.delete(keyOf(dialogId, leg));
  }

  /** The number of legs remembered. */
  get size(): number {
    return this.#lastSent.size;
  }

  #limit(): void {
    for (const key of this.#lastSent.keys()) {
      if (this.#lastSent.size <= this.#maxLegs) return;
      this.#lastSent.delete(key);
    }
  }
}

function keyOf(dialogId: string, leg: string): string {
  return `${dialogId} ${leg}`;
}
