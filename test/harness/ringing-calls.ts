/** Calls that ring until a test lets their phones answer, however busy the machine is. @module */
import { DIALOG_STATE, type Simulator } from '../../simulator/index.ts';
import { type Client, phoneUri, type RunningCommand } from './client.ts';

/** How long a phone rings before it would answer, in milliseconds: its freeze comes long before. */
const RINGS_FOR_MS = 10_000;

/** The events of a CallStart that has succeeded. */
export const COMPLETE =
  /^CallerRinging CallerAnswered Transferring TransferStart (TransferPending )*CalleeAnswered Ended$/;

export class RingingCalls {
  /** One for each call. */
  readonly runs: readonly RunningCommand[];
  readonly #simulators: readonly Simulator[];

  private constructor(runs: readonly RunningCommand[], simulators: readonly Simulator[]) {
    this.runs = runs;
    this.#simulators = simulators;
  }

  /** Starts calls. Resolves when their callers ring, and do not answer. */
  static async start(
    client: Client,
    simulators: readonly Simulator[],
    count: number,
    params: object = {},
  ): Promise<RingingCalls> {
    const runs = await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const parties = { caller: phoneUri(callerOf(n)), callee: phoneUri(`bob.${n}`) };
        const run = await client.start('CallStart', { ...parties, ...params });
        await run.waitForEvent('CallerRinging');
        for (const simulator of simulators) simulator.freeze(callerOf(n));
        return run;
      }),
    );
    const calls = new RingingCalls(runs, simulators);
    const notRinging = simulators.flatMap(({ ledger }) =>
      ledger.dialogs.filter(({ state }) => state !== DIALOG_STATE.ringing),
    );
    if (notRinging.length > 0) throw new Error(`${notRinging.length} calls have been answered too early.`);
    return calls;
  }

  /** Has the callers with these numbers answer. */
  answer(isMeant: (n: number) => boolean = () => true): void {
    for (const n of this.runs.keys())
      for (const simulator of isMeant(n) ? this.#simulators : []) simulator.thaw(callerOf(n));
  }
}

function callerOf(n: number): string {
  return `answer-${RINGS_FOR_MS}.${n}`;
}
