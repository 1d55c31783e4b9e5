/** Counts what was done to the system, by kind. @module */

export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #journal: { readonly at: number; readonly kind: string; readonly detail: string }[] = [];

  /** One more of that kind; what has a detail is written down with its time. */
  add(kind: string, detail?: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    if (detail !== undefined) this.#journal.push({ at: Date.now(), kind, detail });
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** What was written down, a line each. */
  lines(): string[] {
    return this.#journal.map(({ at, kind, detail }) => `${new Date(at).toISOString()} ${kind} ${detail}`);
  }
}
