/** Runs commands through the whole system and counts what they cost. @module */
import { type Client, callidOf, phone } from '../../test/stack/client.ts';
import { type Stack, startStack, until } from '../../test/stack/stack.ts';
import { type Counts, perCommand } from './counts.ts';

/** Commands that can be counted. CallHold, CallUnhold and CallEnd get calls of their own, which are not counted. */
export const COUNTED = ['Echo', 'CallStart', 'CallHold', 'CallUnhold', 'CallEnd'] as const;
export type Counted = (typeof COUNTED)[number];

/** How many, and how many of them at once. */
export interface Load {
  readonly commands: number;
  readonly inFlight: number;
}

/** Two looks so far apart that show the same mean that all is quiet; no pause of a call is as long. Milliseconds. */
const QUIET_MS = 700;

/** A running system that counts. */
export class Counter implements AsyncDisposable {
  readonly stack: Stack;
  readonly #client: Client;
  #users = 0;

  private constructor(stack: Stack, client: Client) {
    this.stack = stack;
    this.#client = client;
  }

  /** The whole stack with pauses as a real OpenSIPS has them. */
  static async start(): Promise<Counter> {
    const stack = await startStack({ entry: 'bench/counts/worker.js', keepLedger: false });
    const counter = new Counter(stack, await stack.client());
    await counter.#calls({ commands: 2, inFlight: 1 });
    return counter;
  }

  /** What one command costs, on the average of these, from the request until all is quiet again. */
  async count(method: Counted, load: Load): Promise<Counts> {
    const calls = method === 'Echo' || method === 'CallStart' ? [] : await this.#calls(load);
    if (method === 'CallUnhold') await this.#each(load, (n) => this.#run('CallHold', { callid: calls[n] }));
    const counts = await this.during(() =>
      this.#each(load, (n) => this.#run(method, this.#params(method, calls[n]))),
    );
    return perCommand(counts, load.commands);
  }

  /** All that is counted from before `happens` until all is quiet after it. */
  async during(happens: () => Promise<unknown>): Promise<Counts> {
    await this.#quiet();
    await this.#ask('DELETE');
    await happens();
    return this.#quiet();
  }

  /** Waits until an alarm has run. */
  async alarmRun(): Promise<void> {
    await until(async () => (await this.#ask('GET')).alarmsRun > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack[Symbol.asyncDispose]();
  }

  #params(method: Counted, callid: string | undefined): object {
    if (method === 'Echo') return { text: 'hello' };
    return method === 'CallStart' ? this.#parties() : { callid };
  }

  #parties(): object {
    const n = ++this.#users;
    return { caller: phone(`alice.${n}`), callee: phone(`bob.${n}`) };
  }

  async #calls(load: Load): Promise<string[]> {
    const calls: string[] = [];
    await this.#each(load, async () => {
      const told = await this.#run('CallStart', this.#parties());
      calls.push(callidOf(told, 'CalleeAnswered'));
    });
    return calls;
  }

  #run(method: string, params: object) {
    return this.#client.toEnd(method, params);
  }

  async #each({ commands, inFlight }: Load, run: (n: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    const loop = async () => {
      while (next < commands) await run(next++);
    };
    await Promise.all(Array.from({ length: inFlight }, loop));
  }

  /** Waits until nothing changes any more. */
  async #quiet(): Promise<Counts> {
    let counts = await this.#ask('GET');
    await until(async () => {
      const before = counts;
      await new Promise((resume) => setTimeout(resume, QUIET_MS));
      counts = await this.#ask('GET');
      return JSON.stringify(counts) === JSON.stringify(before) && (await this.stack.health()).running === 0;
    });
    return counts;
  }

  async #ask(method: 'GET' | 'DELETE'): Promise<Counts> {
    return (await (await fetch(`http://127.0.0.1:${this.stack.port}/counts`, { method })).json()) as Counts;
  }
}
