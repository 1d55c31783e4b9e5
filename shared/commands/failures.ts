/** Creates the failures of commands: the text and the structured error of an `Error` notification. @module */
import { type MiError, NOT_FOUND } from '../opensips/mi.ts';
import { errorCode } from '../protocol/rpc/jsonrpc.ts';
import type { CommandError, Execution } from './command.ts';

/** Why a command has failed: the text that upstream's clients show, and the structured error. */
export interface Failure {
  readonly text: string;
  readonly error: CommandError;
}

/** A phone or a proxy has rejected a request. `statusLine` is the SIP status, such as `486 Busy Here`. */
export function sipFailure(prefix: string, statusLine: string): Failure {
  const text = `${prefix}${statusLine}`;
  const status = Number.parseInt(statusLine, 10) || 500;
  return {
    text,
    error: { code: errorCode.refused, message: text, sip: { status, reason: statusLine.slice(4) } },
  };
}

/** A phone or a proxy has refused, and OpenSIPS does not report the status. */
export function refusedFailure(text: string): Failure {
  return { text, error: { code: errorCode.refused, message: text } };
}

/** The client has canceled the command. The text is upstream's; no phone has sent this status. */
export function canceledFailure(prefix: string): Failure {
  return refusedFailure(`${prefix}487 Request Terminated`);
}

/** Another command is transferring the call. The text is OpenSIPS's. */
export const TRANSFER_PENDING: Failure = {
  text: '491 Request Pending',
  error: {
    code: errorCode.miRefused,
    message: 'Another transfer of this call is in progress. Wait until it has ended.',
  },
};

/** OpenSIPS has replied to an MI command with an error. The text is upstream's: `404 Requested Dialog not found`. */
export function miFailure(method: string, error: MiError): Failure {
  const text = `${error.code} ${error.message}`;
  if (error.code === NOT_FOUND) {
    const message = `OpenSIPS does not know the call: ${text}. Run CallList to see the active calls.`;
    return { text, error: { code: errorCode.gone, message } };
  }
  const isSipStatus = error.code >= 300 && error.code <= 699;
  return {
    text,
    error: {
      code: errorCode.miRefused,
      message: `OpenSIPS has rejected ${method}: ${text}.${isRepeatedTransfer(method, error) ? ONE_TRANSFER : ''}`,
      ...(isSipStatus
        ? { sip: { status: error.code, reason: error.message } }
        : { opensips: { code: error.code, message: error.message } }),
    },
  };
}

/** What callops replies to a transfer of a call after any earlier one, also after one that has failed (trace `transfer-twice`). */
const ONE_TRANSFER =
  ' The module callops transfers a call only once. OpenSIPS 3.6 and later transfer it any number of times, unless the adapter runs with --engine callops.';

function isRepeatedTransfer(method: string, { code }: MiError): boolean {
  return method === 'call_transfer' && code === 491;
}

/** The command was not carried out, and it has left nothing behind. */
export function notDoneFailure(text: string): Failure {
  return { text, error: { code: errorCode.notDone, message: text } };
}

/** The command may have been carried out or not. */
export function unknownFailure(text: string): Failure {
  return { text, error: { code: errorCode.unknown, message: text } };
}

/** An MI command got no reply. */
export function noReplyFailure(method: string, execution: Execution, reason: string): Failure {
  if (execution === 'unknown')
    return unknownFailure(
      `No usable reply of OpenSIPS to ${method}: ${reason}. The command may or may not have been carried out.`,
    );
  return timeoutFailure(`${method} was not sent to OpenSIPS: ${reason}. The command was not carried out.`);
}

/** A timer of the command has expired. */
export function timeoutFailure(text: string): Failure {
  return { text, error: { code: errorCode.timedOut, message: text } };
}
