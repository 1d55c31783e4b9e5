/** What the webhooks of a site do when the clock of the machine was set back: what is due stays as far ahead as it was. @module */

/** Returns the latest time in the delivery log, in Unix milliseconds; undefined if it is empty. */
export function latestTime(sql: SqlStorage): number | undefined {
  const { latest } = sql
    .exec<{ latest: number | null }>('SELECT max(created_at) AS latest FROM deliveries')
    .one();
  return latest ?? undefined;
}

/** Moves all stored times back by `ms` milliseconds. */
export function moveTimesBack(sql: SqlStorage, ms: number): void {
  sql.exec('UPDATE deliveries SET created_at = created_at - ?, due = due - ?', ms, ms);
  sql.exec('UPDATE endpoints SET quiet_until = quiet_until - ?', ms);
  sql.exec('UPDATE pending_ranges SET extend_until = extend_until - ?, read_by = read_by - ?', ms, ms);
}
