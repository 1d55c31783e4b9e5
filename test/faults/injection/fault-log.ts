/** Counts the injected faults by kind, and logs some of them with their time. @module */

export class FaultLog {
  readonly #counts = new Map<string, number>();
  readonly #entries: { readonly at: number; readonly kind: string; readonly detail: string }[] = [];

  /** Counts a fault. If `detail` is given, the fault is logged too. */
  record(kind: string, detail?: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    if (detail !== undefined) this.#entries.push({ at: Date.now(), kind, detail });
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Returns the logged faults, one line each. */
  lines(): string[] {
    return this.#entries.map(({ at, kind, detail }) => `${new Date(at).toISOString()} ${kind} ${detail}`);
  }
}
