/** The exit codes of `call-api`, the failures that lead to them, and advice for each error of the Call API. @module */
import { errorCode } from '../shared/protocol/rpc/jsonrpc.ts';
import { sentences } from './output/sentence.ts';

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
  failed:
    'the command failed: a phone was busy, the call is unknown, doctor found a fault, or the output could not be written',
  usage: 'wrong usage: nothing was run',
  unreachable: 'the edge, the adapter or OpenSIPS cannot be reached',
  notAllowed: 'the key, the token or the admin secret was rejected, or does not allow this',
  interrupted: 'interrupted by Ctrl-C or SIGTERM',
};

/** An error that the user can act on. Its message says what happened and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exit: Exit;
  readonly problem: string;
  readonly remedy: string;

  /** @param remedy what to do, where `problem` does not say so itself */
  constructor(exit: Exit, problem: string, remedy = '') {
    super(sentences(problem, remedy));
    this.exit = exit;
    this.problem = problem;
    this.remedy = remedy;
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
      return 'Run call-api doctor to find out where the connection to OpenSIPS ends.';
    case errorCode.notAllowed:
      return 'Run call-api doctor to see what this key or token allows.';
    case errorCode.unknown:
      return 'Run call-api list to see whether the call is active.';
    case errorCode.refused:
      return 'Check that the address is right, and that the phone is registered and free.';
    case errorCode.timedOut:
      return 'Run call-api doctor to check the connection to OpenSIPS, and try again.';
    case errorCode.gone:
      return 'Run call-api list --all to see the known calls.';
    case errorCode.miRefused:
      return 'Check the Call-ID, and run call-api list to see whether the call is active.';
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
