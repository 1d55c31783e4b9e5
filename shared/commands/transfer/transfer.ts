/**
 * The part of CallStart, CallBlindTransfer and CallAttendedTransfer that runs a `call_transfer`: it is accepted, started,
 * pending, answered or failed. OpenSIPS raises no event for the phone's response to the REFER, so timers and dialog
 * states replace what is missing.
 * @module
 */

import { NOT_FOUND } from '../../opensips/mi.ts';
import type { Input } from '../command.ts';
import { DIALOG_POLL_INTERVAL_MS, MAX_REFER_ATTEMPTS, MI_TIMEOUT_MS, SEARCH_DELAY_MS } from '../deadlines.ts';
import { miFailure, noReplyFailure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import {
  onFinalSearchTimeout,
  onPage,
  onPageError,
  onPageNoReply,
  PAGE_SIZE,
  requestPage,
  startFinalSearch,
  startSearch,
} from './find-call.ts';
import { onNewDialogMissing, onNewDialogRead, pollLater, readNewDialog } from './poll.ts';
import { decideOutcome, fail, failDestinationTimeout, onAccepted, onEvent } from './progress.ts';
import type { Transfer, TransferCommand, TransferProgress } from './state.ts';

/** More events than a transfer raises before its reply. Later ones are dropped. */
const MAX_EARLY_EVENTS = 32;

/** Requests the transfer. `known` is what the command knows of the dialog. */
export function requestTransfer(
  command: TransferCommand,
  known: Pick<Transfer, 'callid' | 'leg' | 'destination'> &
    Partial<Pick<Transfer, 'dialogId' | 'contact' | 'lastEventAt'>>,
  actions: StepActions,
): Transfer {
  actions.requestMi('transfer', command, MI_TIMEOUT_MS);
  return {
    ...known,
    command,
    phase: 'requested',
    isAcceptedReported: false,
    earlyEvents: [],
    newDialogState: 0,
    resolvedDestination: known.destination,
    lastNotifyStatus: '',
    isUnmatched: false,
    page: { index: 0, counter: PAGE_SIZE },
    searchDelayMs: SEARCH_DELAY_MS,
    pollDelayMs: DIALOG_POLL_INTERVAL_MS,
    isRetried: false,
    notRunCount: 0,
    isAbandoned: false,
    eventsMayBeLost: false,
    isFinalSearch: false,
    isFinalSearchRepeated: false,
  };
}

/** Returns the Call-IDs whose events the transfer needs. */
export function transferCallids({ callid, earlyEvents, newCallid }: Transfer): string[] {
  const earlyCallids = earlyEvents.flatMap(({ event }) =>
    event.name === 'E_CALL_TRANSFER' && event.params.transfer_callid ? [event.params.transfer_callid] : [],
  );
  return [...new Set([callid, ...earlyCallids, ...(newCallid === undefined ? [] : [newCallid])])];
}

/** Takes one step. Returns its progress in order. */
export function stepTransfer(transfer: Transfer, input: Input, actions: StepActions): TransferProgress[] {
  const progress = handleInput(transfer, input, actions);
  if (transfer.phase === 'finished') stopTransferTimers(actions);
  return progress;
}

export function stopTransferTimers(actions: StepActions): void {
  actions.stopTimers('new-call', 'destination', 'search', 'outcome', 'poll-new-dialog', 'final-search');
}

function handleInput(transfer: Transfer, input: Input, actions: StepActions): TransferProgress[] {
  if (transfer.phase === 'finished' || isStalePage(transfer, input)) return [];
  switch (input.type) {
    case 'event':
      if (transfer.phase !== 'requested') return onEvent(transfer, input, actions);
      if (transfer.earlyEvents.length < MAX_EARLY_EVENTS) transfer.earlyEvents.push(input);
      return [];
    case 'mi-result':
      if (input.request === 'transfer') return onAccepted(transfer, actions, { isConfirmed: true });
      if (input.request === 'read-new-dialog') return onNewDialogRead(transfer, input.result, actions);
      return input.request === 'list-dialogs' ? onPage(transfer, input.result, actions) : [];
    case 'mi-error':
      return onMiError(transfer, input, actions);
    case 'mi-no-reply':
      return onNoReply(transfer, input, actions);
    case 'timer':
      return onTimer(transfer, input.timer, actions);
    case 'resync':
      resync(transfer, actions);
      return [];
    default:
      return [];
  }
}

/** Returns whether the input is the reply to a search that an event has made obsolete. */
function isStalePage({ phase }: Transfer, input: Input): boolean {
  return 'request' in input && input.request === 'list-dialogs' && phase !== 'accepted';
}

/** OpenSIPS's error for a repeated request if it accepted the first one. The dialog may also have ended since. */
const REQUEST_PENDING = 491;

function onMiError(
  transfer: Transfer,
  { request, error }: Extract<Input, { type: 'mi-error' }>,
  actions: StepActions,
): TransferProgress[] {
  switch (request) {
    case 'transfer':
      if (transfer.isRetried && (error.code === REQUEST_PENDING || error.code === NOT_FOUND))
        return onAccepted(transfer, actions, { isConfirmed: false });
      return fail(transfer, miFailure('call_transfer', error));
    case 'read-new-dialog':
      if (error.code === NOT_FOUND) onNewDialogMissing(transfer, actions);
      else pollLater(transfer, actions);
      return [];
    case 'list-dialogs':
      return onPageError(transfer, actions);
    default:
      return [];
  }
}

function onNoReply(
  transfer: Transfer,
  input: Extract<Input, { type: 'mi-no-reply' }>,
  actions: StepActions,
): TransferProgress[] {
  switch (input.request) {
    case 'list-dialogs':
      return onPageNoReply(transfer, actions);
    case 'read-new-dialog':
      pollLater(transfer, actions);
      return [];
    case 'transfer':
      return onTransferNoReply(transfer, input, actions);
    default:
      return [];
  }
}

/** The REFER or its reply was lost. It is requested once more, or until an adapter is connected. */
function onTransferNoReply(
  transfer: Transfer,
  { execution, reason }: Extract<Input, { type: 'mi-no-reply' }>,
  actions: StepActions,
): TransferProgress[] {
  transfer.eventsMayBeLost = true;
  // Whatever happened to the second request, the first may have run.
  if (transfer.isRetried || (transfer.isAbandoned && execution === 'unknown'))
    return onAccepted(transfer, actions, { isConfirmed: false });
  if (execution === 'not-run' && (transfer.isAbandoned || ++transfer.notRunCount >= MAX_REFER_ATTEMPTS))
    return fail(transfer, noReplyFailure('call_transfer', execution, reason));
  transfer.isRetried = execution === 'unknown';
  actions.requestMi('transfer', transfer.command, MI_TIMEOUT_MS);
  return [];
}

/** Reads from OpenSIPS what lost events may have shown. */
function resync(transfer: Transfer, actions: StepActions): void {
  transfer.eventsMayBeLost = true;
  if (transfer.phase === 'accepted') startSearch(transfer, actions);
  if (transfer.phase === 'started') readNewDialog(transfer, actions);
}

function onTimer(transfer: Transfer, timer: string, actions: StepActions): TransferProgress[] {
  switch (timer) {
    case 'search':
      requestPage(transfer, actions);
      return [];
    case 'poll-new-dialog':
      readNewDialog(transfer, actions);
      return [];
    case 'new-call':
      startFinalSearch(transfer, actions);
      return [];
    case 'final-search':
      return onFinalSearchTimeout(transfer, actions);
    case 'destination':
      return failDestinationTimeout(transfer);
    case 'outcome':
      return decideOutcome(transfer);
    default:
      return [];
  }
}
