/**
 * What CallBlindTransfer and CallAttendedTransfer share: a party of a standing call is sent away, and when it
 * has arrived the call that it left is ended.
 * @module
 */
import type { Input, Machine, State, Step } from '../command.ts';
import { Turn } from '../command.ts';
import { CLOSING_MS } from '../deadlines.ts';
import { dialogState, type Leg } from '../evi.ts';
import { code } from '../jsonrpc.ts';
import type { MiCommand } from '../mi.ts';
import { copy } from './copy.ts';
import { isAnswered, isGone, type Release, release, stepRelease } from './release.ts';
import type { Progress, Transfer } from './transfer/state.ts';
import { stepTransfer, transfer, transferCallids } from './transfer.ts';

export interface Refer extends State {
  readonly transfer: Transfer;
  /** Of the dialog that is left, once the transfer has succeeded. */
  release?: Release;
  /** The client has got `Ended`. */
  ended: boolean;
}

/** What a command asks for, and how it words `Transferring`. */
export interface Referral {
  readonly command: Extract<MiCommand, { method: 'call_transfer' }>;
  readonly callid: string;
  readonly leg: Leg;
  readonly destination: string;
}

/** A machine that transfers as `plan` says, and tells `Transferring` with what `announce` gives. */
export function referMachine<P>(
  plan: (params: P) => Referral,
  announce: (destination: string) => unknown,
): Machine<P, Refer> {
  return {
    start(params) {
      const turn = new Turn();
      const { command, ...known } = plan(params);
      const it: Refer = { follows: [], transfer: transfer(command, known, turn), ended: false };
      return finish(it, turn);
    },

    step(before, input) {
      const it = copy(before);
      const turn = new Turn();
      if (it.release) leaving(it, it.release, input, turn);
      else for (const progress of stepTransfer(it.transfer, input, turn)) tell(it, progress, turn, announce);
      return finish(it, turn);
    },
  };
}

function tell(it: Refer, progress: Progress, turn: Turn, announce: (destination: string) => unknown): void {
  switch (progress.type) {
    case 'accepted':
      turn.notify('Transferring', announce(it.transfer.destination));
      break;
    case 'begun':
      turn.notify('TransferStart', { callid: progress.callid, destination: progress.destination });
      break;
    case 'pending': {
      const { callid, destination, status: extra } = progress;
      turn.notify('TransferPending', { callid, destination, extra });
      break;
    }
    case 'answered': {
      turn.notify('TransferSuccessful', { callid: progress.callid, destination: progress.destination });
      const state = it.transfer.endedAt === undefined ? dialogState.acknowledged : dialogState.ended;
      it.release = release([{ callid: it.transfer.callid, state, calling: false }], CLOSING_MS, turn);
      settle(it, turn, false);
      break;
    }
    case 'failed': {
      turn.fail(progress.failure);
      // The phone that was sent away still has its old call; a new one that rings in vain is ended.
      const { newCallid: callid, newState: state } = it.transfer;
      const rings = callid !== undefined && progress.failure.error.code === code.timedOut;
      if (!rings) end(it, turn);
      else it.release = release([{ callid, state, calling: false }], CLOSING_MS, turn);
    }
  }
}

function leaving(it: Refer, legs: Release, input: Input, turn: Turn): void {
  const course = stepRelease(legs, input, turn);
  if (course === 'over') for (const leg of legs.legs) leg.gone = true;
  settle(it, turn, course === 'late');
}

function settle(it: Refer, turn: Turn, late: boolean): void {
  if (!it.release || it.ended || !(late || isAnswered(it.release))) return;
  end(it, turn);
}

function end(it: Refer, turn: Turn): void {
  it.ended = true;
  turn.ended();
}

function finish(it: Refer, turn: Turn): Step<Refer> {
  const over = it.ended && (it.release === undefined || isGone(it.release));
  return { state: over ? null : { ...it, follows: transferCallids(it.transfer) }, actions: turn.actions };
}
