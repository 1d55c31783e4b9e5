/** Why something did not come about, for programs and for people. @module */
import type { CommandFailure, SipStatus } from './commands.ts';

/** Every `code` that a {@link CallApiError} may have; they are stable. */
export const errorCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  /** `data` says which param and why. */
  invalidParams: -32602,
  internalError: -32603,
  /** No adapter is connected, so OpenSIPS cannot be reached. */
  noAdapter: -32001,
  /** The token, the key or the rules do not let it through. */
  notAllowed: -32002,
  /** `data.retry_after` says for how many seconds. */
  tooMany: -32003,
  /** The `cmd_id` is taken by another command. */
  conflict: -32004,
  /** No longer kept, or never known. */
  gone: -32005,
  /** A phone or a proxy refused; `sip` says how. */
  refused: -32010,
  /** OpenSIPS refused the command. */
  miRefused: -32011,
  /** A deadline passed, or it could not be sent in time: not done. */
  timedOut: -32012,
  /** No answer came: it may have been done or not. */
  unknown: -32013,
  /** It did not come about and nothing of it stands. */
  notDone: -32014,
} as const;

/** What every promise and every iteration of this client rejects with, but for a signal of your own that is aborted. */
export class CallApiError extends Error {
  override readonly name = 'CallApiError';
  /** One of {@link errorCode}. */
  readonly code: number;
  /** More of it: a sentence, or what the code says. */
  declare readonly data?: unknown;
  /** How a phone or a proxy refused. */
  declare readonly sip?: SipStatus;
  /** OpenSIPS's own error, where it is none of SIP's. */
  declare readonly opensips?: { readonly code: number; readonly message: string };
  /** How far a command or a watch got: refused by the edge, failed under way, or lost with the connection. */
  declare readonly event?: 'Refused' | 'Error' | 'Lost';

  constructor(failure: CommandFailure, event?: 'Refused' | 'Error' | 'Lost') {
    super(sentenceOf(failure));
    this.code = failure.code;
    if (failure.data !== undefined) this.data = failure.data;
    if (failure.sip) this.sip = failure.sip;
    if (failure.opensips) this.opensips = failure.opensips;
    if (event) this.event = event;
  }
}

function sentenceOf({ message, data }: CommandFailure): string {
  const reason = typeof data === 'object' && data !== null && 'reason' in data ? data.reason : data;
  return typeof reason === 'string' && !message.includes(reason) ? `${message}: ${reason}` : message;
}
