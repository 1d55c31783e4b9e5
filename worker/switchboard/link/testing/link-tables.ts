/** The tables of the link, each with one row of one text. They survive what the object does not. @module */

export class LinkTables {
  readonly #texts = new Map<string, unknown>();

  /** As that of `SqlStorage`, as far as the link uses it. */
  exec(query: string, ...values: readonly unknown[]): { toArray(): readonly object[] } {
    const table = /(?:FROM|INTO|EXISTS) (\w+)/.exec(query)?.[1] ?? '';
    if (query.startsWith('INSERT')) this.#texts.set(table, values[0]);
    const text = this.#texts.get(table);
    return { toArray: () => (text === undefined ? [] : [{ row: text, adapters: text }]) };
  }
}
