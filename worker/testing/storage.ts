/** What an object has in its storage. @module */
import { runInDurableObject } from 'cloudflare:test';
import type { Switchboard } from '../switchboard/switchboard.ts';

/** Returns how many rows have been written through this connection to the database. */
export function countWrites(sql: SqlStorage): number {
  return sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n;
}

/** Returns how many rows a site has written since its object was started. */
export function countSiteWrites(object: DurableObjectStub<Switchboard>): Promise<number> {
  return runInDurableObject(object, (_, { storage }) => countWrites(storage.sql));
}

/** Returns when the alarm of a site is due, in Unix milliseconds; null if none is set. */
export function alarmTime(object: DurableObjectStub<Switchboard>): Promise<number | null> {
  return runInDurableObject(object, (_, { storage }) => storage.getAlarm());
}
