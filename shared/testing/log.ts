/** The stored commands of a site in memory, as the object keeps them in SQL (`worker/store.ts`). @module */
import { Runner, type Turnout } from '../runner.ts';
import type { Command } from '../stored-command.ts';

interface Row {
  readonly floor: number;
  readonly commands: readonly Command[];
}

export class Log {
  readonly #rows: { readonly position: number; readonly text: string }[] = [];

  append({ rows }: Turnout, runner: Runner): void {
    for (const { position, commands } of rows) {
      const row: Row = { floor: runner.floor(position), commands };
      this.#rows.push({ position, text: JSON.stringify(row) });
    }
  }

  /** The runner as it comes back after a sleep. */
  awake(epoch: string): Runner {
    const rows = this.#rows.map(({ position, text }) => ({ position, row: JSON.parse(text) as Row }));
    const last = rows.at(-1);
    if (!last) return new Runner(epoch, 1, []);
    const running = new Map<number, Command>();
    let top = last.position;
    for (const { position, row } of rows) {
      if (position < last.row.floor) continue;
      for (const command of row.commands) {
        running.delete(command.id);
        if (command.state) running.set(command.id, command);
        top = Math.max(top, command.id, ...command.told.map(({ seq }) => seq));
      }
    }
    return new Runner(epoch, top + 1, [...running.values()]);
  }
}
