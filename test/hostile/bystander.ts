/** An honest client that goes on working beside whatever else is going on, and says so. @module */
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, callidOf, events } from '../stack/client.ts';
import { address, type Whose } from '../tenants/load.ts';

/** Between its rounds, in milliseconds: it shall be there, not be a load. */
const PACE_MS = 20;

export class Bystander {
  /** Rounds of an Echo, a call that is answered, and its end. */
  rounds = 0;
  readonly #client: Client;
  readonly #whose: Whose;
  #failure: Error | undefined;
  #stopped = false;

  constructor(client: Client, whose: Whose) {
    this.#client = client;
    this.#whose = whose;
    void this.#run();
  }

  /** One more round, from now on. Throws where one has failed. */
  async goesOn(): Promise<void> {
    const from = this.rounds;
    // The one that is under way may have begun before.
    while (this.rounds < from + 2 && !this.#failure) await pause(PACE_MS);
    if (this.#failure) throw this.#failure;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        await this.#round();
        this.rounds += 1;
        await pause(PACE_MS);
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  async #round(): Promise<void> {
    const { mark } = this.#whose;
    const [reply] = await this.#client.toEnd('Echo', { said: mark });
    if (JSON.stringify(reply?.data) !== JSON.stringify({ said: mark }))
      throw new Error(`${mark}: wrong echo`);
    const parties = { caller: address('keep', this.#whose), callee: address('bob', this.#whose) };
    const told = await this.#client.toEnd('CallStart', parties);
    if (!events(told).includes('CalleeAnswered')) throw new Error(`${mark}: ${JSON.stringify(told)}`);
    const ended = await this.#client.toEnd('CallEnd', { callid: callidOf(told, 'CalleeAnswered') });
    if (events(ended).join() !== 'Ended') throw new Error(`${mark}: ${JSON.stringify(ended)}`);
  }
}
