/** The state of a CallStart. @module */
import type { OpenSipsFeatures } from '../../opensips/features.ts';
import type { CommandState } from '../command.ts';
import type { DialogTermination } from '../end-dialogs.ts';
import type { Transfer } from '../transfer/state.ts';

export interface CallStartState extends CommandState {
  readonly caller: string;
  readonly callee: string;
  /** The Call-ID of the first leg. */
  readonly callid: string;
  readonly features: OpenSipsFeatures;
  phase: 'calling' | 'answered' | 'transferring' | 'cleanup';
  /** The state of the first leg's dialog as far as it is known; 0 if nothing is known. */
  dialogState: number;
  /** When the last event of the first leg arrived, in milliseconds of the adapter's clock. */
  lastEventAt?: number;
  /** There will be no reply to the INVITE. Only the dialog shows its outcome. */
  isInviteReplyLost: boolean;
  /** The dialog was found ended or missing once. What was in transit at that time must have arrived by the next time. */
  wasDialogMissing: boolean;
  isRingingReported: boolean;
  isAnswerReported: boolean;
  /** The id of the first leg's dialog in OpenSIPS. */
  dialogId?: string;
  /** The contact of the caller's phone. */
  contact?: string;
  transfer?: Transfer;
  termination?: DialogTermination;
  /** The client has received `Ended`. */
  isEndedReported: boolean;
}
