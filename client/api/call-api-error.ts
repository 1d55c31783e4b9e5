/** The error of this client, and its codes. @module */
import { isJsonObject } from '../connection/messages.ts';
import type { CommandFailure, SipStatus } from './command-types.ts';

/** Every `code` that a {@link CallApiError} can have. They are stable. */
export const errorCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  /** `data` names the param and the reason. */
  invalidParams: -32602,
  internalError: -32603,
  /** No adapter is connected, so OpenSIPS cannot be reached. */
  noAdapter: -32001,
  /** The token, the API key or a policy does not allow it. */
  notAllowed: -32002,
  /** A rate limit was exceeded. `data.retry_after` is the delay in seconds. */
  tooMany: -32003,
  /** Another command has the same `cmd_id`. */
  conflict: -32004,
  /** The call or the command is unknown, or no longer stored. */
  gone: -32005,
  /** A phone or a proxy refused. `sip` has the status. */
  refused: -32010,
  /** OpenSIPS refused the command. */
  miRefused: -32011,
  /** A deadline passed, or the request could not be sent in time. It was not run. */
  timedOut: -32012,
  /** No response arrived. The request may have been run or not. */
  unknown: -32013,
  /** The command had no effect. */
  notDone: -32014,
} as const;

/** The error that all promises and iterations of this client reject with, except when you abort a signal of your own. */
export class CallApiError extends Error {
  override readonly name = 'CallApiError';
  /** One of {@link errorCode}. */
  readonly code: number;
  /** Details: a sentence, or what the comment of the code says. */
  declare readonly data?: unknown;
  /** The SIP status with which a phone or a proxy refused. */
  declare readonly sip?: SipStatus;
  /** The error of OpenSIPS itself, if it is not a SIP status. */
  declare readonly opensips?: { readonly code: number; readonly message: string };
  /** When a command or a watch failed: refused by the edge, failed while it ran, or lost with the connection. */
  declare readonly event?: 'Refused' | 'Error' | 'Lost';

  constructor(failure: CommandFailure, event?: 'Refused' | 'Error' | 'Lost') {
    super(messageOf(failure));
    this.code = failure.code;
    if (failure.data !== undefined) this.data = failure.data;
    if (failure.sip) this.sip = failure.sip;
    if (failure.opensips) this.opensips = failure.opensips;
    if (event) this.event = event;
  }
}

function messageOf({ message, data }: CommandFailure): string {
  const reason = isJsonObject(data) ? data['reason'] : data;
  return typeof reason === 'string' && !message.includes(reason) ? `${message}: ${reason}` : message;
}
