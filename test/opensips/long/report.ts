/** What the long suite has found, as tables. Pure. @module */
import { median, quantile } from '../../../bench/statistics.ts';
import { table } from '../../../bench/table.ts';

interface Row {
  readonly name: string;
  readonly value: string;
  readonly isOk: boolean;
}

export class Report {
  #title = '';
  #rows: Row[] = [];
  readonly #failures: string[] = [];

  get failureCount(): number {
    return this.#failures.length;
  }

  section(title: string): void {
    this.#title = title;
    this.#rows = [];
  }

  /** Adds a statement and whether it is right. */
  check(name: string, isOk: boolean, value: string): void {
    this.#rows.push({ name, value, isOk });
    if (!isOk) this.#failures.push(`${this.#title}: ${name}: ${value}`);
  }

  /** Adds how many attempts were right, and the reasons of those that were not. */
  count(name: string, total: number, problems: readonly string[]): void {
    this.check(name, problems.length === 0, `${total - problems.length} of ${total}`);
    const reasons = Map.groupBy(problems, (problem) => problem);
    for (const [reason, { length }] of reasons) this.#failures.push(`  ${length} ×: ${reason}`);
  }

  /** Adds the median of times in milliseconds. Without a limit they are only shown. */
  time(name: string, timesMs: readonly number[], limitMs = Number.POSITIVE_INFINITY): void {
    const middle = median(timesMs);
    const limit = Number.isFinite(limitMs) ? `, limit ${limitMs.toFixed(1)}` : '';
    const text = `median ${middle.toFixed(1)} ms, 90th percentile ${quantile(timesMs, 0.9).toFixed(1)}${limit}`;
    this.check(name, middle <= limitMs, text);
  }

  formatSection(): string {
    const rows = this.#rows.map(({ name, value, isOk }) => [name, value, isOk ? 'ok' : 'WRONG']);
    return `\n${table([this.#title, 'found', ''], rows)}`;
  }

  formatFailures(): string {
    if (this.#failures.length === 0) return '\nNothing is wrong.\n';
    return `\nWRONG:\n${this.#failures.map((failure) => `  ${failure}\n`).join('')}`;
  }
}
