/** A command as it is stored between two turns: plain JSON. @module */
import type { Metadata } from '../calls/call.ts';
import type { CommandError, CommandState, OpenSipsRequest } from '../commands/command.ts';
import type { CallCommand } from '../protocol/rpc/commands.ts';

/** A notification of a command. `seq` is unique within the site and rises. */
export interface Notification {
  readonly seq: number;
  readonly event: string;
  readonly data?: unknown;
  readonly error?: CommandError;
}

/** A request to OpenSIPS without a reply so far. */
export interface PendingRequest {
  /** Its number among the requests of its command. */
  readonly number: number;
  readonly command: OpenSipsRequest;
  /** Unix milliseconds. */
  deadline: number;
  /**
   * Until when it may be sent, in Unix milliseconds; absent: until its deadline. A request that was sent before may still be answered;
   * sent again later, it has no time to live.
   */
  sendBy?: number;
  /** The adapter process that the request was sent to; absent until it is sent. */
  stream?: string;
}

/** What a new command is made of. */
export interface NewCommand {
  readonly cmdId: string;
  readonly method: CallCommand;
  readonly params: unknown;
  /** The subject that sent the command. `cmd_id` is unique within a subject. */
  readonly subject: string;
  /** The client session that is notified. */
  readonly session: string;
  /** The owner of the call that the command makes. Default: its own subject. */
  readonly owner?: string;
  /** Call-IDs of the calls that the command acts on; for a CallStart, of its first leg. */
  readonly callids?: readonly string[];
  /** Metadata that earlier commands gave to the call. The command's own metadata is in its params. */
  readonly metadata?: Metadata;
  /** The name of the adapter that runs it; absent where one adapter serves the whole site. */
  readonly adapter?: string;
}

/** A command as it is stored. */
export interface Command extends Omit<NewCommand, 'session' | 'adapter'> {
  /** Unique within the site, rising. */
  readonly id: number;
  /** The client session that is notified. Another session of the subject can take the command over. */
  session: string;
  /** The adapter that runs it: see {@link NewCommand}. Another one can take the command over. */
  adapter?: string;
  /** `null` once the command is finished. */
  state: CommandState | null;
  /** How many MI requests it has made. */
  requestCount: number;
  /** By the name that the command gave to the request. */
  readonly pendingRequests: Record<string, PendingRequest>;
  /** Due times by name, in Unix milliseconds. */
  readonly timers: Record<string, number>;
  readonly notifications: Notification[];
  /** The log position of its newest stored copy. */
  position: number;
}

/** Returns whether the client has received `Ended`. The command may still be ending a leg that could not be canceled. */
export function hasEnded({ notifications }: Command): boolean {
  return notifications.at(-1)?.event === 'Ended';
}

/** Resolves a `cmd_id` in a CallEnd: `running` while the CallStart runs, then the Call-ID of the call that it made. */
export function callOf(command: Command | undefined): 'running' | string | undefined {
  if (command?.method !== 'CallStart') return undefined;
  return hasEnded(command) ? callMadeBy(command) : 'running';
}

/** Returns what goes along with each notification: the command's own metadata, or that of its call. */
export function metadataOf({ params, metadata }: Command): Metadata | undefined {
  const own = typeof params === 'object' && params !== null && 'metadata' in params && params.metadata;
  return typeof own === 'object' && own !== null ? (own as Metadata) : metadata;
}

/** Compares commands for sorting, the oldest first. */
export function compareAge(one: Command, other: Command): number {
  return one.id - other.id;
}

function callMadeBy({ notifications }: Command): string | undefined {
  const data = notifications.find(({ event }) => event === 'CalleeAnswered')?.data;
  return typeof data === 'object' && data !== null && 'callid' in data ? String(data.callid) : undefined;
}
