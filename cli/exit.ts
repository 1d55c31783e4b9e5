/** The exit codes of `call-api`, the failures that lead to them, and advice for each error of the Call API. @module */
import { errorCode } from '../shared/protocol/rpc/jsonrpc.ts';

/** Exit codes. Scripts rely on them: docs/cli.md. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notAllowed: 4,
  /** 128 + SIGINT, as in shells. */
  interrupted: 130,
} as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** The meaning of each code, for `--help` and docs/cli.md. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done',
  failed: 'the command failed: the phone was busy, the call is gone, a check of doctor found a fault',
  usage: 'wrong usage: nothing was sent',
  unreachable: 'the edge, the adapter or OpenSIPS is not reached',
  notAllowed: 'the key or the token is refused, or may not do that',
  interrupted: 'interrupted by Ctrl-C or SIGTERM',
};

/** An error that the user can act on; the message says what happened, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exit: Exit;

  constructor(exit: Exit, message: string) {
    super(message);
    this.exit = exit;
  }
}

/** Returns the exit code for a request or a command that failed with this code of docs/protocol.md. */
export function exitFor(failedWith: number): Exit {
  switch (failedWith) {
    case errorCode.noAdapter:
      return EXIT.unreachable;
    case errorCode.notAllowed:
      return EXIT.notAllowed;
    case errorCode.invalidRequest:
    case errorCode.methodNotFound:
    case errorCode.invalidParams:
      return EXIT.usage;
    default:
      return EXIT.failed;
  }
}

/** Returns what to do about an error, for the codes where the response itself does not say so. */
export function adviceFor(failedWith: number): string {
  switch (failedWith) {
    case errorCode.noAdapter:
      return 'call-api doctor tells where the way to OpenSIPS ends';
    case errorCode.notAllowed:
      return 'call-api doctor tells what this key or token may do';
    case errorCode.unknown:
      return 'call-api list tells whether the call stands';
    case errorCode.refused:
    case errorCode.timedOut:
      return 'see whether the address is right, and the phone registered and free';
    case errorCode.gone:
      return 'call-api list --all tells which calls are known';
    case errorCode.miRefused:
      return 'see whether the Call-ID is right, and the call still stands: call-api list';
    default:
      return '';
  }
}

/** Returns the explanation of an error: its data where that is a sentence, otherwise its message. */
export function errorText({ message, data }: { readonly message: string; readonly data?: unknown }): string {
  if (typeof data === 'string' && data !== '') return data;
  if (typeof data === 'object' && data !== null && 'reason' in data) return String(data.reason);
  return message;
}
