/**
 * A well-behaved client that keeps making calls while the edge is attacked, and reports whether that works.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, callidOf, eventNames } from '../harness/client.ts';
import { markedAddress, type TrafficOwner } from '../tenants/marked-load.ts';

/** The pause between rounds, so that the client itself is not a load. */
const ROUND_INTERVAL_MS = 20;

export class BackgroundClient {
  /** Completed rounds. Each is an Echo, a call that is answered, and the end of that call. */
  rounds = 0;
  readonly #client: Client;
  readonly #owner: TrafficOwner;
  #failure: Error | undefined;
  #isStopped = false;

  constructor(client: Client, owner: TrafficOwner) {
    this.#client = client;
    this.#owner = owner;
    void this.#run();
  }

  /** Resolves after one whole round from now. Rejects if a round has failed. */
  async completeRound(): Promise<void> {
    const roundsBefore = this.rounds;
    // The current round may have started earlier, so it does not count.
    while (this.rounds < roundsBefore + 2 && !this.#failure) await sleep(ROUND_INTERVAL_MS);
    if (this.#failure) throw this.#failure;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopped) {
        await this.#runRound();
        this.rounds += 1;
        await sleep(ROUND_INTERVAL_MS);
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  async #runRound(): Promise<void> {
    const { marker } = this.#owner;
    const [reply] = await this.#client.runToEnd('Echo', { said: marker });
    if (JSON.stringify(reply?.data) !== JSON.stringify({ said: marker }))
      throw new Error(`${marker}: wrong echo`);
    const parties = { caller: markedAddress('keep', this.#owner), callee: markedAddress('bob', this.#owner) };
    const started = await this.#client.runToEnd('CallStart', parties);
    if (!eventNames(started).includes('CalleeAnswered'))
      throw new Error(`${marker}: ${JSON.stringify(started)}`);
    const callid = callidOf(started, 'CalleeAnswered');
    const ended = await this.#client.runToEnd('CallEnd', { callid });
    if (eventNames(ended).join() !== 'Ended') throw new Error(`${marker}: ${JSON.stringify(ended)}`);
  }
}
