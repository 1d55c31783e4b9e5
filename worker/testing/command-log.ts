/** A command log in an empty database, and what a test writes to it. @module */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { Command } from '../../shared/runner/stored-command.ts';
import { DEFAULT_RETENTION, type Retention } from '../objects/retention.ts';
import { CommandLog } from '../switchboard/store/command-log.ts';

/** Runs a test with an empty database. `open` opens the log in it, as at the start and after a hibernation. */
export async function withLogDatabase(
  test: (open: (retention?: Retention) => CommandLog, sql: SqlStorage) => void,
): Promise<void> {
  const object = env.SWITCHBOARD.get(env.SWITCHBOARD.newUniqueId());
  await runInDurableObject(object, (_, { storage: { sql } }) =>
    test((retention = DEFAULT_RETENTION) => new CommandLog(sql, retention), sql),
  );
}

/** Appends what a turn has changed. */
export function appendCommands(
  log: CommandLog,
  position: number,
  commands: readonly Command[],
  { restoreFrom = position, now = 0 } = {},
): void {
  log.append({ position, commands, restoreFrom, applied: [{ stream: 's', seq: position }], at: now }, now);
}
