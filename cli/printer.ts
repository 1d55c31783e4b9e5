/** Where what is told goes: a terminal, a pipe, or a program that reads JSON. @module */
import { styleText } from 'node:util';
import type { Words } from './words.ts';

/** What is used of a stream. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

const STYLES = { plain: [], good: ['green'], bad: ['red'], faint: ['dim'] } as const;

/** With a capital and a full stop. */
export function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}\n`;
}

export class Printer {
  readonly json: boolean;
  readonly #out: Sink;
  readonly #err: Sink;
  readonly #coloured: boolean;
  readonly #now: () => number;
  readonly #begun: number;

  /** @param now milliseconds, for the time beside each step on a terminal */
  constructor(
    out: Sink,
    err: Sink,
    { json, noColor }: { readonly json: boolean; readonly noColor: boolean },
    now: () => number = () => performance.now(),
  ) {
    this.#out = out;
    this.#err = err;
    this.json = json;
    this.#coloured = out.isTTY === true && !noColor;
    this.#now = now;
    this.#begun = now();
  }

  /** A step, as it happens: on a terminal with the time since the beginning, in a pipe alone. */
  step(words: Words): void {
    if (this.json) return;
    const seconds = ((this.#now() - this.#begun) / 1_000).toFixed(1);
    const line = this.#paint(words);
    this.#out.write(this.#out.isTTY ? `${`${seconds} s`.padStart(8)}  ${line}\n` : `${line}\n`);
  }

  /** A line for people. */
  line(words: Words): void {
    if (!this.json) this.#out.write(`${this.#paint(words)}\n`);
  }

  /** What was asked for, as it is. */
  result(text: string): void {
    this.#out.write(text);
  }

  /** One object a line, for programs only. */
  object(object: unknown): void {
    if (this.json) this.#out.write(`${JSON.stringify(object)}\n`);
  }

  /** What is to be known beside the result; it never mixes with what a pipe reads. */
  hint(sentence: string): void {
    this.#err.write(asSentence(sentence));
  }

  #paint({ text, tone }: Words): string {
    const [style] = STYLES[tone];
    return this.#coloured && style ? styleText(style, text, { validateStream: false }) : text;
  }
}
