/** Prints results and hints: for people on a terminal or in a pipe, or as JSON for programs. @module */
import { styleText } from 'node:util';
import { EXIT, type Exit } from '../exit.ts';
import type { Label } from './labels.ts';
import { asSentence } from './sentence.ts';
import { deliver } from './stream-output.ts';

/** The part of a stream that is used. */
export interface Output {
  /** Never throws: see `flush` and `failed`. */
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Resolves when what was written has left this process, with the error where that failed. Absent where it cannot fail. */
  flush?(): Promise<Error | undefined>;
  /** Aborted when a write has failed: later ones are dropped. */
  readonly failed?: AbortSignal;
}

const STYLES = { plain: [], good: ['green'], bad: ['red'], faint: ['dim'] } as const;

export class Printer {
  readonly json: boolean;
  readonly #out: Output;
  readonly #err: Output;
  readonly #isColored: boolean;
  readonly #now: () => number;
  readonly #startedAt: number;

  /** @param now milliseconds, for the time beside each step on a terminal */
  constructor(
    out: Output,
    err: Output,
    { json, noColor }: { readonly json: boolean; readonly noColor: boolean },
    now: () => number = () => performance.now(),
  ) {
    this.#out = out;
    this.#err = err;
    this.json = json;
    this.#isColored = out.isTTY === true && !noColor;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Prints a step as it happens: on a terminal with the time since the start, in a pipe alone. */
  step(label: Label): void {
    if (this.json) return;
    const seconds = ((this.#now() - this.#startedAt) / 1_000).toFixed(1);
    const line = this.#color(label);
    this.#out.write(this.#out.isTTY ? `${`${seconds} s`.padStart(8)}  ${line}\n` : `${line}\n`);
  }

  /** Prints a line for people. */
  line(label: Label): void {
    if (!this.json) this.#out.write(`${this.#color(label)}\n`);
  }

  /** Resolves when a write has failed, with the exit code of a command that only prints. */
  get failed(): Promise<Exit> {
    return new Promise((resolve) => {
      const { failed } = this.#out;
      if (failed?.aborted) resolve(EXIT.done);
      failed?.addEventListener('abort', () => resolve(EXIT.done), { once: true });
    });
  }

  /** Prints a result unchanged. */
  result(text: string): void {
    this.#out.write(text);
  }

  /** Prints a text that cannot be read again, as a line of its own or in its object: see {@link deliver}. */
  deliver(text: string, object: unknown, remedy: string): Promise<void> {
    return deliver(this.#out, `${this.json ? JSON.stringify(object) : text}\n`, remedy);
  }

  /** Prints an object on one line, for programs only. */
  object(object: unknown): void {
    if (this.json) this.#out.write(`${JSON.stringify(object)}\n`);
  }

  /** Prints a sentence to stderr, so that it never mixes with a result that a pipe reads. */
  hint(sentence: string): void {
    this.#err.write(`${asSentence(sentence)}\n`);
  }

  #color({ text, tone }: Label): string {
    const [style] = STYLES[tone];
    return this.#isColored && style ? styleText(style, text, { validateStream: false }) : text;
  }
}
