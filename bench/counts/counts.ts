/** What the running system is counted by. @module */

/** A wire of the object. */
export interface Wire {
  /** Frames, and their bytes, that came in and went out. */
  readonly in: number;
  readonly bytesIn: number;
  readonly out: number;
  readonly bytesOut: number;
}

/** What the platform would bill, and what went over the wires. */
export interface Counts {
  readonly rowsWritten: number;
  readonly rowsRead: number;
  readonly alarmsSet: number;
  readonly alarmsRun: number;
  /** Requests to the object other than messages of a WebSocket. */
  readonly requests: number;
  /** How often the object was made anew: after a sleep, or for the first time. */
  readonly wakeUps: number;
  /** Bytes by which its database grew. */
  readonly stored: number;
  readonly client: Wire;
  readonly adapter: Wire;
}

/** As many, spread over so many commands. */
export function perCommand(counts: Counts, commands: number): Counts {
  const { client, adapter, ...numbers } = counts;
  const divided = <T extends object>(all: T): T =>
    Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value / commands])) as T;
  return { ...divided(numbers), client: divided(client), adapter: divided(adapter) };
}
