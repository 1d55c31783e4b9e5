/**
 * What a site does when the clock of the machine was set back: everything that is due stays as far ahead as it was. A clock that is
 * set forward cannot be told from a hibernation, and makes things due early.
 * @module
 */
import { ClockWatch } from '../objects/clock-watch.ts';
import type { Components } from './components.ts';
import type { CommandLog } from './store/command-log.ts';

export class SiteClock {
  readonly #sql: SqlStorage;
  readonly #watch: ClockWatch;

  /** A site that was evicted knows the time of the last row of its log. */
  constructor(sql: SqlStorage, commandLog: CommandLog) {
    this.#sql = sql;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS clock_set_back (id INTEGER PRIMARY KEY, position INTEGER NOT NULL, at INTEGER NOT NULL)',
    );
    const last = commandLog.lastWrite;
    const [setBack] = sql
      .exec<{ position: number; at: number }>('SELECT position, at FROM clock_set_back')
      .toArray();
    // A row that was written before the clock was set back says nothing any more.
    const isNewer = last !== undefined && last.position > (setBack?.position ?? 0);
    this.#watch = new ClockWatch(isNewer ? last.at : setBack?.at);
  }

  /** Compares the clock with the latest time that was seen, and moves all times back with it. Returns whether it was set back. */
  check(components: Components, now: number): boolean {
    const ms = this.#watch.setBackMs(now);
    if (ms === 0) return false;
    const { commandLog, runner, calls, reconciler, reconcileSchedule } = components;
    const { watchers, link, sessions, logNotifier, diagnosis } = components;
    console.warn(`The clock was set back by ${ms} ms; all deadlines are moved with it`);
    runner.onClockSetBack(ms);
    commandLog.segments.onClockSetBack(ms);
    reconcileSchedule.onClockSetBack(ms, now);
    for (const component of [watchers, sessions, logNotifier, diagnosis]) component.onClockSetBack(ms);
    link.onClockSetBack(now);
    // What was asked before compares its time with that of calls.
    reconciler.reset();
    calls.requestReconcile();
    calls.recordUntil(watchers.recordUntil);
    const position = commandLog.lastWrite?.position ?? 0;
    this.#sql.exec(
      'INSERT OR REPLACE INTO clock_set_back (id, position, at) VALUES (1, ?, ?)',
      position,
      now,
    );
    return true;
  }
}
