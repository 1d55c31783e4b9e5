/** What an attacker got: counts of answers, refusals, bytes and sockets. @module */

/** The counts of an attack, as they pass between processes. */
export interface AttackReport {
  /** Requests, upgrades and messages that the attacker has sent. */
  readonly sent: number;
  /** Messages, events and responses that it has received. */
  readonly messages: number;
  readonly bytes: number;
  /** Sockets that were opened. */
  readonly opened: number;
  /** Sockets that are open at the end. */
  readonly open: number;
  /** Refusals by code or status, and limit: `-32003 messages_per_second`, `429`. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Sockets that the edge closed, by close code; 0 without a Close frame. */
  readonly closes: Readonly<Record<string, number>>;
}

const ERROR_CODE = /"error":\{"code":(-\d+)/g;
const LIMIT = /"limit":"(\w+)"/;

/** How much of a message is searched for errors, in characters: an attacker that parses all that it gets attacks itself. */
const SEARCHED_LENGTH = 4_096;

export class Tally {
  sent = 0;
  messages = 0;
  bytes = 0;
  opened = 0;
  open = 0;
  readonly #refusals = new Map<string, number>();
  readonly #closes = new Map<string, number>();
  readonly #foundClosed = new Map<string, number>();

  /** Counts a message of the edge, and the refusals in it. */
  onMessage(text: string, bytes = text.length): void {
    this.messages += 1;
    this.bytes += bytes;
    const searched = text.slice(0, SEARCHED_LENGTH);
    for (const [, code = ''] of searched.matchAll(ERROR_CODE)) this.onRefused(code, searched);
  }

  /** Counts bytes that are not read as messages. */
  onBytes(count: number): void {
    this.bytes += count;
  }

  /**
   * Counts a refusal.
   * @param body the problem or error, which may name the limit
   */
  onRefused(code: number | string, body = ''): void {
    const limit = LIMIT.exec(body)?.[1];
    increment(this.#refusals, limit === undefined ? String(code) : `${code} ${limit}`);
  }

  onOpened(): void {
    this.opened += 1;
    this.open += 1;
  }

  /** An open socket was closed by the edge. */
  onClosed(code: number): void {
    this.open -= 1;
    increment(this.#closes, String(code));
  }

  /** A client that has not read until its attack was stopped has found that the edge had closed its socket. */
  onFoundClosed(code: number): void {
    increment(this.#foundClosed, String(code));
  }

  /** Sockets that the edge has closed of clients that did not read, by close code; 0 without a Close frame. */
  get foundClosed(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#foundClosed);
  }

  report(): AttackReport {
    const { sent, messages, bytes, opened, open } = this;
    const refusals = Object.fromEntries(this.#refusals);
    return { sent, messages, bytes, opened, open, refusals, closes: Object.fromEntries(this.#closes) };
  }
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
