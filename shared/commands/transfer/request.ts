/** Requests a transfer: by REFER within the dialog if the adapter can send one, else by callops. @module */
import type { OpenSipsFeatures } from '../../opensips/features.ts';
import { withTransport } from '../../sip/transport.ts';
import {
  DIALOG_POLL_INTERVAL_MS,
  IN_DIALOG_MARGIN_MS,
  MI_TIMEOUT_MS,
  SEARCH_DELAY_MS,
} from '../deadlines.ts';
import type { StepActions } from '../step-actions.ts';
import { PAGE_SIZE } from './find-call.ts';
import type { Transfer, TransferCommand, TransferTarget } from './state.ts';

/** What a command knows of the dialog before it is transferred. */
export type KnownDialog = Partial<Pick<Transfer, 'dialogId' | 'contact' | 'lastEventAt'>>;

/** Requests the transfer, and returns its state. */
export function requestTransfer(
  target: TransferTarget,
  features: OpenSipsFeatures,
  known: KnownDialog,
  actions: StepActions,
): Transfer {
  const { callid, leg, destination, replaced } = target;
  const { inDialog, matchParam, transport } = features;
  const timeoutMs = inDialog?.refer ? inDialog.timeout_ms + IN_DIALOG_MARGIN_MS : MI_TIMEOUT_MS;
  const dialed = { ...target, destination: withTransport(destination, transport) };
  const command = inDialog?.refer ? referCommand(dialed) : callopsCommand(dialed);
  if (replaced && command.method === 'call_transfer') {
    // callops does not say where the phone is sent, and the phone may hang up at once.
    readDialog('read-transferred', callid, actions);
    readDialog('read-to-replace', replaced.callid, actions);
  }
  actions.requestMi('transfer', command, timeoutMs);
  return {
    ...known,
    callid,
    leg,
    destination,
    command,
    timeoutMs,
    matchParam,
    phase: 'requested',
    hasPhoneAccepted: false,
    isAcceptedReported: false,
    earlyEvents: [],
    notReadyCount: 0,
    newDialogState: 0,
    isRingingReported: false,
    pendingCount: 0,
    resolvedDestination: destination,
    lastNotifyStatus: '',
    isFollowUpRead: false,
    ...(replaced ? { replacedCallid: replaced.callid, replacedLeg: replaced.leg } : {}),
    hasReplacedEnded: false,
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

function readDialog(name: string, callid: string, actions: StepActions): void {
  actions.requestMi(name, { method: 'dlg_list', params: { callid } }, MI_TIMEOUT_MS);
}

function referCommand({ callid, leg, destination, replaced }: TransferTarget): TransferCommand {
  return {
    method: 'refer',
    params: {
      callid,
      leg,
      destination,
      ...(replaced ? { replaced_callid: replaced.callid, replaced_leg: replaced.leg } : {}),
    },
  };
}

function callopsCommand({ callid, leg, destination, replaced }: TransferTarget): TransferCommand {
  if (!replaced) return { method: 'call_transfer', params: { callid, leg, destination } };
  return {
    method: 'call_transfer',
    params: {
      callid,
      leg,
      transfer_callid: replaced.callid,
      transfer_leg: replaced.leg,
      ...(destination === '' ? {} : { destination }),
    },
  };
}
