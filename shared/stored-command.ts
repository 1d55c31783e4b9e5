/** A command as it is stored: plain JSON, all that is kept of one between two turns. @module */
import type { Metadata } from './calls.ts';
import type { CommandError, State } from './command.ts';
import type { Method } from './methods.ts';
import type { MiCommand } from './mi.ts';

/** One notification of a command, numbered within the site. */
export interface Told {
  readonly seq: number;
  readonly event: string;
  readonly data?: unknown;
  readonly error?: CommandError;
}

/** An MI request that is not answered yet. */
export interface Pending {
  readonly n: number;
  readonly command: MiCommand;
  /** When it must have been answered, in Unix milliseconds. */
  readonly deadline: number;
  /** The adapter's process that it was given to; none while the link is down. */
  stream?: string;
}

/** What a new command is made of. */
export interface NewCommand {
  readonly cmdId: string;
  readonly method: Method;
  readonly params: unknown;
  /** Whose it is: `cmd_id` is unique for each subject. */
  readonly subject: string;
  /** The client session that is told. */
  readonly session: string;
  /** Whose a call is that it makes; absent: its own subject's. */
  readonly owner?: string;
  /** Call-IDs of the calls that it acts on; of a CallStart, its first leg's. */
  readonly calls?: readonly string[];
  /** What its client, or an earlier command's, has given the call that it acts on; its own stands in its params. */
  readonly metadata?: Metadata;
}

/** A command as it is stored. */
export interface Command extends Omit<NewCommand, 'session'> {
  /** Unique within the site, rising. */
  readonly id: number;
  /** The client session that is told: another one's, once that has taken it up. */
  session: string;
  /** `null` once it is over. */
  state: State | null;
  /** MI requests asked so far. */
  asked: number;
  readonly pending: Record<string, Pending>;
  /** Due times in Unix milliseconds. */
  readonly timers: Record<string, number>;
  readonly told: Told[];
  /** Commands that want to know when this one has ended. */
  readonly cancelledBy: number[];
  /** Where its newest stored copy stands. */
  position: number;
}

/** Has its client got `Ended`? It may still look after a leg that could not be cancelled yet. */
export function hasEnded({ told }: Command): boolean {
  return told.at(-1)?.event === 'Ended';
}

/** What a CallEnd that gives a `cmd_id` means: the CallStart while it runs, then the call that it has made. */
export function callNamed(named: Command | undefined): 'running' | string | undefined {
  if (named?.method !== 'CallStart') return undefined;
  return hasEnded(named) ? callMadeBy(named) : 'running';
}

/** What a client has given to be told with each notification: with this command, or with its call before. */
export function metadataOf({ method, params, metadata }: Command): Metadata | undefined {
  if (method === 'Echo') return undefined;
  const own = typeof params === 'object' && params !== null && 'metadata' in params && params.metadata;
  return typeof own === 'object' && own !== null ? (own as Metadata) : metadata;
}

/** An order for sorting: the oldest first. */
export function byAge(one: Command, other: Command): number {
  return one.id - other.id;
}

/** The Call-ID of the call that a CallStart has brought about. */
function callMadeBy({ told }: Command): string | undefined {
  const data = told.find(({ event }) => event === 'CalleeAnswered')?.data;
  return typeof data === 'object' && data !== null && 'callid' in data ? String(data.callid) : undefined;
}
