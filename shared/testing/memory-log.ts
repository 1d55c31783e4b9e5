/** The log of a site's commands in memory, as `worker/switchboard/store/command-log.ts` has it in SQL. @module */
import { Runner } from '../runner/runner.ts';
import type { Command } from '../runner/stored-command.ts';
import type { TurnOutput } from '../runner/turn-output.ts';

interface Row {
  /** The position from which a restore must read. */
  readonly restoreFrom: number;
  readonly commands: readonly Command[];
}

export class MemoryLog {
  readonly #rows: { readonly position: number; readonly text: string }[] = [];

  append({ rows }: TurnOutput, runner: Runner): void {
    for (const { position, commands } of rows) {
      const row: Row = { restoreFrom: runner.restoreFrom(position), commands };
      this.#rows.push({ position, text: JSON.stringify(row) });
    }
  }

  /** Returns a runner as it is after hibernation. */
  restoreRunner(epoch: string): Runner {
    const rows = this.#rows.map(({ position, text }) => ({ position, row: JSON.parse(text) as Row }));
    const last = rows.at(-1);
    if (!last) return new Runner(epoch, 1, []);
    const running = new Map<number, Command>();
    let highest = last.position;
    for (const { position, row } of rows) {
      if (position < last.row.restoreFrom) continue;
      for (const command of row.commands) {
        running.delete(command.id);
        if (command.state) running.set(command.id, command);
        highest = Math.max(highest, command.id, ...command.notifications.map(({ seq }) => seq));
      }
    }
    return new Runner(epoch, highest + 1, [...running.values()]);
  }
}
