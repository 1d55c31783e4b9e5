/** How `call-api` ends: its exit codes, and the failures that bring them about. Pure. @module */
import { code } from '../shared/jsonrpc.ts';

/** Exit codes. They are promised to scripts: docs/cli.md. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notAllowed: 4,
  /** 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** What each means, for `--help` and docs/cli.md. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done',
  failed: 'the command failed: the phone was busy, the call is gone, a check of doctor found a fault',
  usage: 'wrong usage: nothing was sent',
  unreachable: 'the edge, the adapter or OpenSIPS is not reached',
  notAllowed: 'the key or the token is refused, or may not do that',
  interrupted: 'interrupted by Ctrl-C or SIGTERM',
};

/** Something went wrong; the message says what, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exit: Exit;

  constructor(exit: Exit, message: string) {
    super(message);
    this.exit = exit;
  }
}

/** How a command ends whose request, or which itself, failed with that code of docs/protocol.md. */
export function exitOf(failed: number): Exit {
  switch (failed) {
    case code.noAdapter:
      return EXIT.unreachable;
    case code.notAllowed:
      return EXIT.notAllowed;
    case code.invalidRequest:
    case code.methodNotFound:
    case code.invalidParams:
      return EXIT.usage;
    default:
      return EXIT.failed;
  }
}

/** What to do about it, for the codes where the answer itself does not say so. */
export function adviceFor(failed: number): string {
  switch (failed) {
    case code.noAdapter:
      return 'call-api doctor tells where the way to OpenSIPS ends';
    case code.notAllowed:
      return 'call-api doctor tells what this key or token may do';
    case code.unknown:
      return 'call-api list tells whether the call stands';
    case code.refused:
    case code.timedOut:
      return 'see whether the address is right, and the phone registered and free';
    case code.gone:
      return 'call-api list --all tells which calls are known';
    case code.miRefused:
      return 'see whether the Call-ID is right, and the call still stands: call-api list';
    default:
      return '';
  }
}

/** What was said of an error: its data where that is a sentence, or the message. */
export function sentenceOf({ message, data }: { readonly message: string; readonly data?: unknown }): string {
  if (typeof data === 'string' && data !== '') return data;
  if (typeof data === 'object' && data !== null && 'reason' in data) return String(data.reason);
  return message;
}
