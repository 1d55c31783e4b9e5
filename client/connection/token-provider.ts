/** Provides the token of a connection: gets one when it is needed, and a fresh one before it expires. @module */
import type { Platform } from './platform.ts';

export interface TokenOptions {
  readonly token?: string | undefined;
  readonly getToken?: (() => Promise<string>) | undefined;
}

/** A token is renewed after 60 to 80 % of its lifetime. The share is random, so that clients do not renew all at once. */
const MIN_RENEWAL_SHARE = 0.6;
const RENEWAL_SHARE_SPREAD = 0.2;
/** Also limits how often a failing `getToken` is called. */
const MIN_RENEWAL_DELAY_MS = 1_000;
/** `getToken` is a request to a back end, so it may take as long as a socket may take to open. */
export const GET_TOKEN_TIMEOUT_MS = 10_000;
/** Rejections in a row after which the client gives up. The first may be due to a stale token. */
const MAX_REJECTIONS = 2;
/** The longest delay that timers can count: 2^31 - 1 ms. Tokens are valid for a day at most. */
const MAX_TIMER_MS = 2_147_483_647;

export class TokenProvider {
  readonly #options: TokenOptions;
  readonly #platform: Pick<Platform, 'now' | 'setTimer' | 'random'>;
  #token: string | undefined;
  #rejections = 0;
  #cancelTimer = () => {};
  #cancelDeadline = () => {};

  constructor(options: TokenOptions, platform: Pick<Platform, 'now' | 'setTimer' | 'random'>) {
    this.#options = options;
    this.#platform = platform;
    this.#token = options.token;
  }

  /** Returns the last token while it may be valid, or a promise of a fresh one; undefined if none is configured. */
  get(): string | undefined | Promise<string> {
    const isUsable = this.#token !== undefined && !(expiryOf(this.#token) <= this.#platform.now());
    return isUsable || !this.#options.getToken ? this.#token : this.#fetch();
  }

  /** Gets a fresh token in time before each expiry and passes it on, until {@link stop} is called. */
  startRenewal(onToken: (token: string) => void): void {
    this.stop();
    const { now, setTimer, random } = this.#platform;
    const lifetime = expiryOf(this.#token) - now();
    if (!this.#options.getToken || !(lifetime > 0)) return;
    const share = MIN_RENEWAL_SHARE + random() * RENEWAL_SHARE_SPREAD;
    const cancel = setTimer(Math.min(Math.max(lifetime * share, MIN_RENEWAL_DELAY_MS), MAX_TIMER_MS), () => {
      this.#fetch().then(
        (token) => {
          if (this.#cancelTimer !== cancel) return;
          onToken(token);
          this.startRenewal(onToken);
        },
        () => {
          if (this.#cancelTimer === cancel) this.startRenewal(onToken);
        },
      );
    });
    this.#cancelTimer = cancel;
  }

  /** Stops the renewal, and no longer waits for a token. */
  stop(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    this.#cancelDeadline();
  }

  /** Records that the edge has accepted the token. */
  onAccepted(): void {
    this.#rejections = 0;
  }

  /** Records that the edge has rejected the token. Returns whether to try again with a fresh one. */
  onRejected(): boolean {
    if (!this.#options.getToken || ++this.#rejections >= MAX_REJECTIONS) return false;
    this.#token = undefined;
    return true;
  }

  /** Rejects if `getToken` does, or if it has not settled in time: then the caller calls it again later. */
  #fetch(): Promise<string> {
    return new Promise((resolve, reject) => {
      const cancelDeadline = this.#platform.setTimer(GET_TOKEN_TIMEOUT_MS, () =>
        reject(new Error(`getToken: no token within ${GET_TOKEN_TIMEOUT_MS / 1_000} s`)),
      );
      this.#cancelDeadline = cancelDeadline;
      this.#getToken()
        .then((token) => {
          // One that is late is for the next attempt, unless that has asked for its own.
          if (this.#cancelDeadline === cancelDeadline) this.#token = token;
          resolve(token);
        }, reject)
        .finally(cancelDeadline);
    });
  }

  async #getToken(): Promise<string> {
    const token = (await this.#options.getToken?.()) ?? '';
    if (!isToken(token)) throw new TypeError('getToken: no token');
    return token;
  }
}

/** Whether the text can be sent in a subprotocol (RFC 6455 §4.1, RFC 9110 §5.6.2). API keys and JWTs can. */
export function isToken(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(text);
}

/** Returns when a JWT expires, in Unix milliseconds, or NaN if that cannot be read. */
function expiryOf(token = ''): number {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return (JSON.parse(atob(payload)) as { readonly exp: number }).exp * 1_000;
  } catch {
    return Number.NaN;
  }
}
