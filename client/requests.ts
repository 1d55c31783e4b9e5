/** Requests that have no answer yet, across sockets. @module */
import { type Answer, type Answered, type Closed, isFields, unanswered, unsent } from './frames.ts';

/** What becomes of a request that has no answer when the socket is lost. */
export type Afterwards =
  /** It changes nothing, and is asked again. */
  | 'ask again'
  /** Commands and watches ask for themselves when the next socket opens. */
  | 'forget'
  /** It may have been done or not. */
  | 'fail';

interface Request {
  readonly text: string;
  readonly answered: Answered;
  readonly afterwards: Afterwards;
  readonly isPatient: boolean;
  isSent: boolean;
}

/** What it needs of the world outside. */
interface Surroundings {
  readonly after: (ms: number, callback: () => void) => () => void;
  readonly random: () => number;
}

/** `data.retry_after` says for how many seconds. */
const TOO_MANY = -32003;

export class Requests {
  readonly #requests = new Map<string, Request>();
  readonly #send: (text: string) => boolean;
  readonly #outside: Surroundings;
  #ids = 0;

  /** @param send sends it, if a socket is open */
  constructor(send: (text: string) => boolean, outside: Surroundings) {
    this.#send = send;
    this.#outside = outside;
  }

  /**
   * Asks, now or when a socket opens.
   * @param isPatient refused for being too many, it is asked again and nobody is told: what changes nothing, or has been
   * asked for before
   * @return its id
   */
  add(
    method: string,
    params: object,
    answered: Answered,
    afterwards: Afterwards,
    isPatient: boolean = afterwards !== 'fail',
  ): string {
    const id = String(++this.#ids);
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    this.#requests.set(id, { text, answered, afterwards, isPatient, isSent: this.#send(text) });
    return id;
  }

  /** Nobody waits for its answer any more. */
  forget(id: string): void {
    this.#requests.delete(id);
  }

  /** A socket is open. */
  opened(): void {
    for (const request of this.#requests.values()) request.isSent = this.#send(request.text);
  }

  answered(id: string, answer: Answer): void {
    const request = this.#requests.get(id);
    if (!request) return;
    const { code, data } = answer.error ?? {};
    if (request.isPatient && code === TOO_MANY) {
      const seconds = isFields(data) ? Number(data['retry_after']) : 1;
      this.#outside.after(seconds * 1_000 * (1 + this.#outside.random()), () => {
        if (this.#requests.get(id) === request) this.#send(request.text);
      });
      return;
    }
    this.#requests.delete(id);
    request.answered(answer);
  }

  /** The socket is gone, and with it what was asked on it. */
  lost(): void {
    for (const [id, { afterwards, answered, isSent }] of this.#requests) {
      const isOver = afterwards === 'forget' || (afterwards === 'fail' && isSent);
      if (isOver) this.#requests.delete(id);
      if (isOver && afterwards === 'fail') answered({ error: unanswered('lost') });
    }
  }

  /** No socket will open any more. */
  end(why: Closed): void {
    this.lost();
    for (const [id, { answered, isSent }] of this.#requests) {
      this.#requests.delete(id);
      answered({ error: isSent ? unanswered(why) : unsent(why) });
    }
  }
}
