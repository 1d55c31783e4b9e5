/** The token that a connection brings: got when it is needed, and a fresh one before it expires. @module */

/** What it needs of the world outside. */
interface Surroundings {
  readonly now: () => number;
  readonly after: (ms: number, callback: () => void) => () => void;
  readonly random: () => number;
}

export interface TokenSource {
  readonly token?: string | undefined;
  readonly getToken?: (() => Promise<string>) | undefined;
}

/** A fresh one is got when between so much and so much of the time is over: not all clients at once. */
const RENEWED_AT = { first: 0.6, last: 0.8 } as const;
/** Milliseconds; a source that fails is not asked more often. */
const SELDOM_MS = 1_000;
/** Refused so often in a row, there is no use in coming again: one of them may have been a stale one. */
const REFUSALS = 2;
/** What timers can count: 2^31 - 1 ms. Tokens hold a day at most. */
const MOST_MS = 2_147_483_647;

export class Tokens {
  readonly #source: TokenSource;
  readonly #outside: Surroundings;
  #token: string | undefined;
  #refusals = 0;
  #cancel = () => {};

  constructor(source: TokenSource, outside: Surroundings) {
    this.#source = source;
    this.#outside = outside;
    this.#token = source.token;
  }

  /** The one to come with: the last, while it may hold, or a promise of a fresh one. Undefined: none is needed. */
  take(): string | undefined | Promise<string> {
    const holds = this.#token !== undefined && !(expiryOf(this.#token) <= this.#outside.now());
    return holds || !this.#source.getToken ? this.#token : this.#fetch();
  }

  /** From now on each fresh one is given, in time; until {@link rest}. */
  renew(give: (token: string) => void): void {
    this.rest();
    const { now, after, random } = this.#outside;
    const left = expiryOf(this.#token) - now();
    if (!this.#source.getToken || !(left > 0)) return;
    const share = RENEWED_AT.first + random() * (RENEWED_AT.last - RENEWED_AT.first);
    const cancel = after(Math.min(Math.max(left * share, SELDOM_MS), MOST_MS), () => {
      this.#fetch().then(
        (token) => {
          if (this.#cancel !== cancel) return;
          give(token);
          this.renew(give);
        },
        () => {
          if (this.#cancel === cancel) this.renew(give);
        },
      );
    });
    this.#cancel = cancel;
  }

  rest(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  /** The edge has let it in. */
  accepted(): void {
    this.#refusals = 0;
  }

  /** The edge has refused it. Is there any use in coming again? */
  refused(): boolean {
    if (!this.#source.getToken || ++this.#refusals >= REFUSALS) return false;
    this.#token = undefined;
    return true;
  }

  async #fetch(): Promise<string> {
    const token = await this.#source.getToken?.();
    if (token === undefined || !isToken(token)) throw new TypeError('getToken gave no token');
    this.#token = token;
    return token;
  }
}

/** May it stand in a subprotocol? RFC 6455 §4.1 and RFC 9110 §5.6.2; keys and JWTs may. */
export function isToken(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(text);
}

/** When a JWT expires, in Unix milliseconds; not a number where that cannot be read. */
function expiryOf(token = ''): number {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return (JSON.parse(atob(payload)) as { readonly exp: number }).exp * 1_000;
  } catch {
    return Number.NaN;
  }
}
