/** The billable resources and the traffic that a benchmark counts. @module */

/** WebSocket frames of an object, and their bytes, in both directions. */
export interface Traffic {
  readonly in: number;
  readonly bytesIn: number;
  readonly out: number;
  readonly bytesOut: number;
}

/** What Cloudflare bills, and the traffic of an object. */
export interface ResourceCounts {
  readonly rowsWritten: number;
  readonly rowsRead: number;
  readonly alarmsSet: number;
  readonly alarmsRun: number;
  /** Requests to the object other than WebSocket messages. */
  readonly requests: number;
  /** How often the object was constructed: for the first time, or after hibernation. */
  readonly wakeUps: number;
  /** Bytes by which its database has grown. */
  readonly bytesStored: number;
  readonly client: Traffic;
  readonly adapter: Traffic;
}

/** Divides all counts by a number of commands. */
export function perCommand(counts: ResourceCounts, commands: number): ResourceCounts {
  const { client, adapter, ...numbers } = counts;
  const divide = <T extends object>(values: T): T =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value / commands])) as T;
  return { ...divide(numbers), client: divide(client), adapter: divide(adapter) };
}
