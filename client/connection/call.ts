/** The type of a call, as the edge sends it. @module */
import type { JsonObject } from './messages.ts';

/** One side of a call. */
export type Leg = 'caller' | 'callee';

/** Plain JSON of your own, up to 2,048 bytes. It stays with the calls that a command makes or acts on. */
export type Metadata = JsonObject;

export type CallState = 'ringing' | 'answered' | 'held' | 'transferring' | 'ended';

/**
 * Who ended a call: a command, the routing script of OpenSIPS that refused it, or the party that hung up. OpenSIPS tells the last
 * two only if its script raises events for them.
 */
export type EndedBy = 'api' | 'opensips' | 'caller' | 'callee' | 'unknown';

/** A call as the edge sends it. All times are in Unix milliseconds. */
export interface Call {
  readonly callid: string;
  readonly state: CallState;
  /** The parties that are on hold. Absent if nobody is. */
  readonly held?: readonly Leg[];
  /** SIP URIs, or null while they are not known. */
  readonly caller: string | null;
  readonly callee: string | null;
  /** The command that made the call, or null if no command did. */
  readonly origin: { readonly method: string; readonly cmd_id: string } | null;
  readonly began: number;
  readonly answered?: number;
  readonly ended?: number;
  /** Why the call ended: a few words, or a SIP status line. */
  readonly reason?: string;
  /** Who ended the call. Absent until it has ended. */
  readonly ended_by?: EndedBy;
  /** Call-ID of the call that this one was transferred from. */
  readonly from?: string;
  /** Call-ID of the call that this one was transferred to. */
  readonly became?: string;
  readonly metadata?: Metadata;
  /** The adapter beside the OpenSIPS that has the call, where all adapters of the site serve it. */
  readonly adapter?: string;
  /** Sequence number of its last change. The numbers are the site's. */
  readonly seq: number;
}

/** What happens to a call. An event can repeat for the same state when more about the call becomes known. */
export type CallEvent =
  | 'Ringing'
  | 'Answered'
  | 'Held'
  | 'Resumed'
  | 'Transferring'
  | 'Transferred'
  | 'Ended';
