/** Runs commands through the full stack and counts the resources that each of them uses. @module */
import { type Client, callidOf, phoneUri } from '../../test/harness/client.ts';
import { type Stack, startStack, waitUntil } from '../../test/harness/stack.ts';
import { perCommand, type ResourceCounts } from './resource-counts.ts';

/** Methods that can be counted. Those on a call get calls of their own, whose setup is not counted. */
export const COUNTED_METHODS = [
  'Echo',
  'CallStart',
  'CallHold',
  'CallUnhold',
  'CallBlindTransfer',
  'CallEnd',
] as const;
export type CountedMethod = (typeof COUNTED_METHODS)[number];

export interface Workload {
  readonly commands: number;
  /** How many of them run concurrently. */
  readonly inFlight: number;
}

/** The system is idle if two polls at this distance return equal counts: no pause within a call is as long. */
const IDLE_POLL_INTERVAL_MS = 700;

export class ResourceCounter implements AsyncDisposable {
  readonly stack: Stack;
  readonly #client: Client;
  /** Makes the users of each call unique. */
  #lastCall = 0;

  private constructor(stack: Stack, client: Client) {
    this.stack = stack;
    this.#client = client;
  }

  /** Starts the full stack, with the delays of a real OpenSIPS, and warms it up. */
  static async start(): Promise<ResourceCounter> {
    const stack = await startStack({ entryPoint: 'bench/counts/worker.js', keepLedger: false });
    const counter = new ResourceCounter(stack, await stack.connectClient());
    await counter.#setUpCalls({ commands: 2, inFlight: 1 });
    return counter;
  }

  /** Returns the average counts of one command, from its request until the system is idle again. */
  async count(method: CountedMethod, load: Workload): Promise<ResourceCounts> {
    const callids = method === 'Echo' || method === 'CallStart' ? [] : await this.#setUpCalls(load);
    if (method === 'CallUnhold')
      await this.#repeat(load, (n) => this.#run('CallHold', { callid: callids[n] }));
    const counts = await this.countDuring(() =>
      this.#repeat(load, (n) => this.#run(method, this.#params(method, callids[n]))),
    );
    return perCommand(counts, load.commands);
  }

  /** Returns all counts from before `action` until the system is idle after it. */
  async countDuring(action: () => Promise<unknown>): Promise<ResourceCounts> {
    await this.#waitUntilIdle();
    await this.#fetchCounts('DELETE');
    await action();
    return this.#waitUntilIdle();
  }

  /** Waits until an alarm has run since the counts were reset. */
  async waitForAlarm(): Promise<void> {
    await waitUntil(async () => (await this.#fetchCounts('GET')).alarmsRun > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack[Symbol.asyncDispose]();
  }

  #params(method: CountedMethod, callid: string | undefined): object {
    if (method === 'Echo') return { text: 'hello' };
    if (method === 'CallStart') return this.#nextParties();
    if (method !== 'CallBlindTransfer') return { callid };
    return { callid, leg: 'callee', destination: phoneUri(`carol.${++this.#lastCall}`) };
  }

  #nextParties(): object {
    const n = ++this.#lastCall;
    return { caller: phoneUri(`alice.${n}`), callee: phoneUri(`bob.${n}`) };
  }

  /** Returns the Call-IDs of new calls. */
  async #setUpCalls(load: Workload): Promise<string[]> {
    const callids: string[] = [];
    await this.#repeat(load, async () => {
      const notifications = await this.#run('CallStart', this.#nextParties());
      callids.push(callidOf(notifications, 'CalleeAnswered'));
    });
    return callids;
  }

  #run(method: string, params: object) {
    return this.#client.runToEnd(method, params);
  }

  async #repeat({ commands, inFlight }: Workload, run: (n: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    const worker = async () => {
      while (next < commands) await run(next++);
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  }

  /** Waits until the counts no longer change and no command runs. Returns the counts. */
  async #waitUntilIdle(): Promise<ResourceCounts> {
    let counts = await this.#fetchCounts('GET');
    await waitUntil(async () => {
      const previous = counts;
      await new Promise((resolve) => setTimeout(resolve, IDLE_POLL_INTERVAL_MS));
      counts = await this.#fetchCounts('GET');
      const isUnchanged = JSON.stringify(counts) === JSON.stringify(previous);
      return isUnchanged && (await this.stack.fetchHealth()).running === 0;
    });
    return counts;
  }

  /** `DELETE` also resets the counts. */
  async #fetchCounts(method: 'GET' | 'DELETE'): Promise<ResourceCounts> {
    const response = await fetch(`http://127.0.0.1:${this.stack.port}/counts`, { method });
    return (await response.json()) as ResourceCounts;
  }
}
