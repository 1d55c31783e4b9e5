/** What a CallStart remembers between two turns. @module */
import type { State } from '../command.ts';
import type { Release } from './release.ts';
import type { Transfer } from './transfer/state.ts';

export interface CallStart extends State {
  readonly caller: string;
  readonly callee: string;
  readonly nextHop: string;
  /** Call-ID of the first leg. */
  readonly callid: string;
  phase: 'calling' | 'answered' | 'transferring' | 'closing';
  /** Seconds that the caller may ring. */
  readonly timeout: number;
  /** The first leg's dialog, as far as is known; 0 where nothing is. */
  leg: number;
  /** When it was last heard of, in milliseconds of the adapter's clock. */
  seenAt?: number;
  /** The INVITE's answer will not come: the dialog alone tells. */
  unanswered: boolean;
  /** The call was once seen to be over or not there: what was under way then has had its time. */
  missed: boolean;
  rung: boolean;
  answerTold: boolean;
  dialogId?: string;
  contact?: string;
  transfer?: Transfer;
  release?: Release;
  /** The client has got `Ended`. */
  ended: boolean;
}
