/** What the attacks of {@link file://./attacks/} have in common. @module */
import type { Tally } from './tally.ts';

/** What an attacker has. All credentials are of its own tenant. */
export interface AttackContext {
  readonly port: number;
  /** The API key of its site, with all scopes. */
  readonly key: string;
  readonly adapterKey: string;
  /** Tokens of different subjects. */
  readonly tokens: readonly string[];
  /** A token that is bound to a caller who has no calls. */
  readonly boundToken: string;
  /** The `cmd_id` of a command of {@link AttackContext.key} that has ended. */
  readonly commandId: string;
}

/** An attack in progress. */
export interface AttackRun extends AttackContext {
  readonly tally: Tally;
  /** Whether the attack must end. */
  readonly isStopped: () => boolean;
}

/** Runs until it is stopped, or until it has done all that it does once. */
export type Attack = (run: AttackRun) => Promise<void>;

/** Does something again and again until the attack is stopped, in so many loops at the same time. */
export async function repeat(
  { isStopped }: AttackRun,
  loops: number,
  act: (loop: number) => Promise<void>,
): Promise<void> {
  const loop = async (n: number) => {
    while (!isStopped()) {
      await act(n);
      // Attacks that are refused at once would otherwise never let a timer or a socket run.
      await delay(1);
    }
  };
  await Promise.all(Array.from({ length: loops }, (_, n) => loop(n)));
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until the attack is stopped. */
export async function untilStopped({ isStopped }: AttackRun): Promise<void> {
  while (!isStopped()) await delay(20);
}
