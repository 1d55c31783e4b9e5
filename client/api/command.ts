/** Runs a command, and returns the handle that a program reads its events and its result from. @module */
import { onAbort } from '../connection/abort-signal.ts';
import type { Connection } from '../connection/connection.ts';
import type { CommandUpdate } from '../connection/messages.ts';
import { CallApiError } from './call-api-error.ts';
import type { CommandEvent, CommandFailure, Method, Params, Result } from './command-types.ts';
import { Queue } from './queue.ts';

/**
 * Events that are stored while the program does not read them. A command has some ten events. Only `TransferPending` can
 * repeat often, so the oldest of these are dropped first.
 */
export const MAX_UNREAD_EVENTS = 64;

export interface CommandOptions {
  /**
   * Stops waiting: `ended` and the iteration reject with the reason of the signal. A command that was sent continues to
   * run. To end a call, use {@link StartCommand.end} or `callEnd`.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * 1 to 64 of `A-Z a-z 0-9 . _ ~ -`; random if omitted. A second request with the same id and params, even from another
   * process, is the same command: it does not run twice, and the second request receives all events from the beginning.
   */
  readonly cmdId?: string | undefined;
}

/**
 * A running command. Iterate it to read its events in order, from `Started` to `Ended`. A command that fails while it runs
 * has the events `Error` and `Ended`. If it is refused, lost or aborted, the iteration rejects. It can be iterated once.
 * Leaving the loop does not end the command.
 */
export interface Command<M extends Method> extends AsyncIterable<CommandEvent<M>> {
  readonly cmdId: string;
  /**
   * Resolves with the result when the command has succeeded; rejects with a {@link CallApiError} otherwise. You may ignore
   * it: a rejection that is not handled does no harm.
   */
  readonly ended: Promise<Result<M>>;
}

/** A running CallStart. */
export interface StartCommand extends Command<'CallStart'> {
  /** Ends the command and the call that it has made, with a CallEnd by its `cmd_id`. */
  end(options?: CommandOptions): Command<'CallEnd'>;
}

/** The event whose data is the result. Other commands return the `callid` of their params. */
const RESULT_EVENT: Partial<Record<Method, string>> = {
  CallStart: 'CalleeAnswered',
  CallBlindTransfer: 'TransferSuccessful',
  CallAttendedTransfer: 'TransferSuccessful',
  Echo: 'Reply',
};

/** The error of a command that ends without a result, or with an `Error` that has no error object. */
const NOT_DONE = { code: -32014, message: 'Not done' } as const;

export function runCommand<M extends Method>(
  connection: Connection,
  method: M,
  params: Params<M>,
  { signal, cmdId = connection.randomId() }: CommandOptions = {},
): Command<M> {
  const queue = new Queue<CommandEvent<M>>(() => {});
  const ended = new Promise<Result<M>>((resolve, reject) => {
    let result: unknown =
      method in RESULT_EVENT ? undefined : { callid: (params as Params<'CallEnd'>).callid };
    let failure: CallApiError | undefined;
    let removeListener = () => {};
    const fail = (reason: unknown) => {
      removeListener();
      queue.fail(reason);
      reject(reason);
    };
    const onUpdate = (update: CommandUpdate) => {
      const { event, data, error } = update;
      if (event === 'Refused' || event === 'Lost') {
        fail(new CallApiError(error ?? NOT_DONE, event));
        return;
      }
      if (event === RESULT_EVENT[method]) result = data;
      if (event === 'Error') failure = new CallApiError(failureOf(update), event);
      if (queue.size >= MAX_UNREAD_EVENTS)
        queue.removeFirst((unread) => unread.event === 'TransferPending') || queue.removeFirst(() => true);
      queue.put(update as CommandEvent<M>);
      if (event !== 'Ended') return;
      removeListener();
      queue.end();
      if (failure) reject(failure);
      else if (result === undefined) reject(new CallApiError(NOT_DONE, 'Error'));
      // Trusts the edge to send what docs/protocol.md specifies.
      else resolve(result as Result<M>);
    };
    // Another command may have the same `cmd_id`, which the signal of this one does not concern.
    if (signal?.aborted) return fail(signal.reason);
    removeListener = onAbort(signal, () => {
      connection.discard(cmdId);
      fail(signal?.reason);
    });
    connection.run(method, params, onUpdate, cmdId);
  });
  // A program that only iterates receives the failure there.
  ended.catch(() => {});
  return { cmdId, ended, [Symbol.asyncIterator]: () => queue };
}

/** Adds the sentence of an `Error` event, which says more than the message of its code. */
function failureOf({ data, error = NOT_DONE }: CommandUpdate): CommandFailure {
  return { ...error, ...(data === undefined ? {} : { data }) };
}
