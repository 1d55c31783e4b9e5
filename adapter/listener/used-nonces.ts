/** Remembers which tokens were used, so that each opens one link at most. Pure. @module */

/** An edge dials a few times a minute. This many within the lifetime of a token are no edge that works. */
const MAX_NONCES = 10_000;

export class UsedNonces {
  readonly #maxNonces: number;
  /** The end of the token's life by nonce, in Unix seconds. */
  readonly #expires = new Map<string, number>();

  constructor(maxNonces = MAX_NONCES) {
    this.#maxNonces = maxNonces;
  }

  /**
   * Notes that a valid token is used now.
   * @param expires when the token expires, in Unix seconds
   * @param now in Unix seconds
   */
  use(nonce: string, expires: number, now: number): 'new' | 'used' | 'full' {
    if (this.#expires.has(nonce)) return 'used';
    if (this.#expires.size >= this.#maxNonces) this.#forgetExpired(now);
    if (this.#expires.size >= this.#maxNonces) return 'full';
    this.#expires.set(nonce, expires);
    return 'new';
  }

  #forgetExpired(now: number): void {
    for (const [nonce, expires] of this.#expires) if (expires <= now) this.#expires.delete(nonce);
  }
}
