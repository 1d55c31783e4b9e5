/** The senders of HTTP requests. What a subject sends is counted together, as it is for a socket. @module */
import type { Sender } from './limits.ts';

/** In milliseconds. A batch of 100 at one message a second owes tokens for 100 s; after this time all are paid back. */
const RETENTION_MS = 120_000;

interface HttpClient {
  /** Unix milliseconds. */
  lastRequestAt: number;
}

export class HttpClients {
  /** By subject, the one with the latest request last. */
  readonly #clients = new Map<string, HttpClient>();

  /** Returns the sender of a subject that makes a request now. */
  senderOf(subject: string, now: number): Sender {
    const client = this.#clients.get(subject) ?? { lastRequestAt: now };
    client.lastRequestAt = now;
    this.#clients.delete(subject);
    this.#clients.set(subject, client);
    for (const [each, { lastRequestAt }] of this.#clients) {
      if (lastRequestAt > now - RETENTION_MS) break;
      this.#clients.delete(each);
    }
    return client;
  }
}
