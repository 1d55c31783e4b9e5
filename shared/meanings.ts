/** What each code means to a client, in the words of every document. @module */
import { code } from './jsonrpc.ts';
import { closeCode } from './link.ts';

/** A code with what it means and what to do. */
export interface Meaning {
  readonly code: number;
  readonly means: string;
}

/** Errors of a request, in its answer. */
export const requestErrors = {
  ParseError: { code: code.parseError, means: 'the message is not JSON' },
  InvalidRequest: { code: code.invalidRequest, means: 'it is JSON, but no request' },
  MethodNotFound: { code: code.methodNotFound, means: 'there is no such method' },
  InvalidParams: { code: code.invalidParams, means: 'bad params; `data` says which and why' },
  InternalError: { code: code.internalError, means: 'our fault: something broke here, and has been logged' },
  NoAdapter: { code: code.noAdapter, means: 'no adapter is connected, so OpenSIPS cannot be reached' },
  NotAllowed: {
    code: code.notAllowed,
    means:
      'not allowed; `data` names the scope that is missing, or the param that the rules or the token do not let through',
  },
  TooMany: {
    code: code.tooMany,
    means: 'too many; `data` is {retry_after, limit, reason}: seconds to wait, which limit, and a sentence',
  },
  Conflict: { code: code.conflict, means: 'conflict: the `cmd_id` is taken' },
  Gone: { code: code.gone, means: 'gone: no longer kept' },
} as const satisfies Record<string, Meaning>;

/** Errors of a command, in the `error` of its `Error`. */
export const commandErrors = {
  Refused: { code: code.refused, means: 'a phone or a proxy refused; `error.sip` says how' },
  MiRefused: {
    code: code.miRefused,
    means: 'OpenSIPS refused the command; `error.sip`, or `error.opensips` where its error is none of SIP’s',
  },
  TimedOut: { code: code.timedOut, means: 'a deadline passed, or it could not be sent in time: not done' },
  Unknown: { code: code.unknown, means: 'no answer came: it may have been done or not' },
  NotDone: {
    code: code.notDone,
    means: 'it did not come about and nothing of it stands; why was lost on the way',
  },
} as const satisfies Record<string, Meaning>;

/** Close codes of a client's socket. */
export const closeCodes = {
  Unauthorized: {
    code: closeCode.unauthorized,
    means: 'the key was revoked, the token has expired, or the site was deleted: come back with another one',
  },
  Superseded: { code: closeCode.superseded, means: 'a newer socket has taken the session up' },
  Flood: {
    code: closeCode.flood,
    means:
      'a flood: ten times the session’s `messages_per_second` were refused, and more came all the same; the subject opens no other socket for 10 s',
  },
} as const satisfies Record<string, Meaning>;
