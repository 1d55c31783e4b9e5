/** A binary heap of things that are due, the earliest first; of equal times, the one that was pushed first. */
export type Due = { readonly at: number; readonly order: number; readonly run: () => void };

const before = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Push and pop cost O(log n), so thousands of calls can wait at once. */
export class Heap {
  #items: Due[] = [];

  get first(): Due | undefined {
    return this.#items[0];
  }

  push(item: Due): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent];
      if (above === undefined || !before(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Due | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      const [child, item] = this.#earlierChild(at);
      if (item === undefined || !before(item, last)) break;
      items[at] = item;
      at = child;
    }
    items[at] = last;
    return top;
  }

  clear(): void {
    this.#items = [];
  }

  #earlierChild(parent: number): [number, Due | undefined] {
    const at = 2 * parent + 1;
    const left = this.#items[at];
    const right = this.#items[at + 1];
    return left !== undefined && right !== undefined && before(right, left) ? [at + 1, right] : [at, left];
  }
}
