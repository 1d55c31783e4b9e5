/** The codes that clients receive, with their meaning, for all documents. @module */
import { closeCode } from '../link.ts';
import { errorCode } from './jsonrpc.ts';

export interface CodeDescription {
  readonly code: number;
  /** What it means and, where it helps, what to do. */
  readonly description: string;
}

/** Error codes in responses to requests. */
export const requestErrors = {
  ParseError: { code: errorCode.parseError, description: 'the message is not valid JSON' },
  InvalidRequest: {
    code: errorCode.invalidRequest,
    description: 'the message is JSON, but not a valid request',
  },
  MethodNotFound: { code: errorCode.methodNotFound, description: 'there is no method of this name' },
  InvalidParams: {
    code: errorCode.invalidParams,
    description: 'the params are invalid; `data` says which ones and why',
  },
  InternalError: {
    code: errorCode.internalError,
    description: 'an error in the service itself, which has been logged',
  },
  NoAdapter: {
    code: errorCode.noAdapter,
    description: 'no adapter is connected, so OpenSIPS cannot be reached',
  },
  NotAllowed: {
    code: errorCode.notAllowed,
    description:
      'not allowed; `data` names the missing scope, or the param that the rules or the token do not allow',
  },
  TooMany: {
    code: errorCode.tooMany,
    description:
      'a limit is exceeded; `data` is {retry_after, limit, reason}: seconds to wait, the name of the limit, and a sentence',
  },
  Conflict: { code: errorCode.conflict, description: 'another command already has this `cmd_id`' },
  Gone: {
    code: errorCode.gone,
    description:
      'the call or the command is unknown, or is no longer stored. Commands report an unknown call in their `Error` event',
  },
} as const satisfies Record<string, CodeDescription>;

/** Error codes of failed commands, in the `error` of their `Error` event. */
export const commandErrors = {
  Refused: {
    code: errorCode.refused,
    description:
      'a phone or a proxy has refused, or the command was canceled; `error.sip` is the response, if one is known',
  },
  MiRefused: {
    code: errorCode.miRefused,
    description:
      'OpenSIPS has rejected the command; see `error.sip`, or `error.opensips` if its error is not a SIP status',
  },
  TimedOut: {
    code: errorCode.timedOut,
    description:
      'a deadline has passed, or the request could not be sent in time: the command was not carried out',
  },
  Unknown: {
    code: errorCode.unknown,
    description: 'no reply has arrived: the command may or may not have been carried out',
  },
  NotDone: {
    code: errorCode.notDone,
    description:
      'the command was not carried out, and no call leg of it is left; the SIP status is not known',
  },
} as const satisfies Record<string, CodeDescription>;

/** Codes with which the edge closes a client's socket. */
export const closeCodes = {
  Unauthorized: {
    code: closeCode.unauthorized,
    description:
      'the key was revoked, the token has expired, or the site was deleted: reconnect with another key or token',
  },
  Superseded: { code: closeCode.superseded, description: 'another socket has resumed the session' },
  NotReading: {
    code: closeCode.notReading,
    description:
      'the client does not read what it is sent, or what it was still to be sent is no longer stored: reconnect and resume',
  },
  Flood: {
    code: closeCode.flood,
    description:
      'the subject has kept sending after ten times its `messages_per_second` were rejected: all its sockets are closed, and it cannot open another one for 10 s',
  },
} as const satisfies Record<string, CodeDescription>;
