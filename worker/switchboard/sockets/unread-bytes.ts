/**
 * How much of what one socket was sent its client may not have read yet. The sockets of an object do not say so (they have no
 * `bufferedAmount`), so the client proves it: it is sent a random token from time to time, and sends it back. As long as it owes no token,
 * what it was sent counts as read after a while: always for a client that cannot acknowledge.
 * @module
 */
import { ASSUMED_READ_RATE } from './unread-budget.ts';

interface SentToken {
  readonly token: string;
  /** The bytes that were sent since the token before. */
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly sentAt: number;
}

export class UnreadBytes {
  readonly #tokens: SentToken[] = [];
  #covered = 0;
  #uncovered = 0;
  #countedAt = 0;

  /** Counts bytes that were sent. */
  add(bytes: number, now: number): void {
    this.#uncovered = this.#decayed(now) + bytes;
    this.#countedAt = now;
  }

  /** The bytes that the client may not have read. */
  at(now: number): number {
    return this.#covered + this.#decayed(now);
  }

  /** The bytes that no token covers. */
  uncoveredAt(now: number): number {
    return this.#decayed(now);
  }

  /** When the oldest token was sent that the client has not returned, in Unix milliseconds; undefined if there is none. */
  get oldestToken(): number | undefined {
    return this.#tokens[0]?.sentAt;
  }

  /** A token is sent now: who returns it has read everything until here. */
  addToken(token: string, now: number): void {
    const bytes = this.#decayed(now);
    this.#tokens.push({ token, bytes, sentAt: now });
    this.#covered += bytes;
    this.#uncovered = 0;
  }

  /** The client has returned a token. Returns how many bytes it has read; undefined if the token was not sent to it. */
  prove(token: string, now: number): number | undefined {
    const index = this.#tokens.findIndex((each) => each.token === token);
    if (index < 0) return undefined;
    const bytes = this.#tokens.splice(0, index + 1).reduce((sum, each) => sum + each.bytes, 0);
    this.#covered -= bytes;
    this.#countedAt = now;
    return bytes;
  }

  #decayed(now: number): number {
    if (this.#tokens.length > 0) return this.#uncovered;
    const elapsed = Math.max(0, now - this.#countedAt);
    return Math.max(0, this.#uncovered - (elapsed * ASSUMED_READ_RATE) / 1_000);
  }
}
