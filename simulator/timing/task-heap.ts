/** A binary heap of scheduled tasks, ordered by due time and then by the order of scheduling. @module */

export type Task = { readonly dueAt: number; readonly sequence: number; readonly run: () => void };

const isBefore = (a: Task, b: Task): boolean =>
  a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.sequence < b.sequence);

/** A min-heap. Push and pop cost O(log n), so thousands of calls can wait at once. */
export class TaskHeap {
  #tasks: Task[] = [];

  get first(): Task | undefined {
    return this.#tasks[0];
  }

  push(task: Task): void {
    const tasks = this.#tasks;
    let index = tasks.push(task) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = tasks[parentIndex];
      if (parent === undefined || !isBefore(task, parent)) break;
      tasks[index] = parent;
      index = parentIndex;
    }
    tasks[index] = task;
  }

  pop(): Task | undefined {
    const tasks = this.#tasks;
    const top = tasks[0];
    const last = tasks.pop();
    if (top === undefined || last === undefined || tasks.length === 0) return top;
    let index = 0;
    for (;;) {
      const [childIndex, child] = this.#earlierChild(index);
      if (child === undefined || !isBefore(child, last)) break;
      tasks[index] = child;
      index = childIndex;
    }
    tasks[index] = last;
    return top;
  }

  clear(): void {
    this.#tasks = [];
  }

  #earlierChild(parentIndex: number): [index: number, task: Task | undefined] {
    const index = 2 * parentIndex + 1;
    const left = this.#tasks[index];
    const right = this.#tasks[index + 1];
    return left !== undefined && right !== undefined && isBefore(right, left)
      ? [index + 1, right]
      : [index, left];
  }
}
