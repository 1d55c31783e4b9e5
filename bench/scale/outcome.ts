/** What a question's answer looks like, and how it compares with its target in words. @module */
import { table } from '../table.ts';
import type { Comparison } from './compare.ts';

/** A target and whether it is met, as a sentence. */
export interface Verdict {
  readonly target: string;
  readonly met: boolean;
  readonly figure: string;
}

/** A question's answer. */
export interface Outcome {
  readonly tables: readonly string[];
  readonly verdicts: readonly Verdict[];
  /** All figures, for `--json`. */
  readonly figures: unknown;
}

/** What one size brought. */
export interface Sized {
  readonly size: number;
  readonly costs: readonly Comparison[];
}

/** How much more a command may cost at the largest size. */
export const MOST = 1.2;

/** A row for each size and cost. */
export function costTable(what: string, all: readonly Sized[]): string {
  const rows = all.flatMap(({ size, costs }) =>
    costs.map(({ cost, alone, loaded, ratio }) => [
      count(size),
      cost,
      alone.toFixed(3),
      loaded.toFixed(3),
      `${ratio.toFixed(2)} x`,
    ]),
  );
  return table([what, 'cost, ms to a command', 'without', 'with', 'ratio'], rows);
}

/** The worst ratio at the largest size decides. */
export function costVerdict(what: string, all: readonly Sized[]): Verdict {
  const worst = all.at(-1)?.costs.reduce((one, other) => (other.ratio > one.ratio ? other : one));
  return {
    target: `a command costs at most ${MOST} x with ${count(all.at(-1)?.size ?? 0)} ${what}`,
    met: worst !== undefined && worst.ratio <= MOST,
    figure: worst ? `${worst.ratio.toFixed(2)} x at worst (${worst.cost})` : 'nothing was measured',
  };
}

/** The verdict as a line of text. */
export function sentence({ target, met, figure }: Verdict): string {
  return `${met ? 'met   ' : 'missed'}  ${target}: ${figure}\n`;
}

/** 12345 as 12,345. */
export function count(n: number): string {
  return n.toLocaleString('en');
}

/** In megabytes of 2^20 bytes. */
export function megabytes(n: number): string {
  return `${n.toFixed(1)} MB`;
}
