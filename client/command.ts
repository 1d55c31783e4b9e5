/** A command under way, as whoever has asked for it holds it. @module */
import { whenAborted } from './abort.ts';
import { CallApiError } from './call-error.ts';
import type { CommandEvent, CommandFailure, Method, Params, Result } from './commands.ts';
import type { Connection } from './connection.ts';
import type { Notice } from './frames.ts';
import { Queue } from './queue.ts';

/**
 * Events that are kept for a reader who does not come. A command has some ten; only `TransferPending` may come any
 * number of times, and of those the oldest gives way.
 */
export const EVENTS_KEPT = 64;

export interface CommandOptions {
  /**
   * Ends your interest: `ended` and the iteration reject with its reason. The command itself runs on, if it has been
   * sent: to end a call, use {@link StartCommand.end} or `callEnd`.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * 1 to 64 of `A-Z a-z 0-9 . _ ~ -`; one of its own where not given. Asked again with the same id and params, also by
   * another process, it is the same command: nothing is run twice, and all of it is told from the beginning.
   */
  readonly cmdId?: string | undefined;
}

/**
 * A command under way. Iterated, it gives all that is told of it in order: `Started` first, `Ended` last. One that
 * fails under way gives `Error` and `Ended`; where it was refused, lost or aborted, the iteration rejects. It can be
 * read once; a loop that is left ends the reading, not the command.
 */
export interface Command<M extends Method> extends AsyncIterable<CommandEvent<M>, undefined> {
  readonly cmdId: string;
  /**
   * Resolves when it has ended well, with what has come of it; rejects with a {@link CallApiError} otherwise. Nobody
   * has to look at it.
   */
  readonly ended: Promise<Result<M>>;
}

/** A CallStart under way. */
export interface StartCommand extends Command<'CallStart'> {
  /** Ends it, and the call that it has made: a CallEnd by its `cmd_id`. */
  end(options?: CommandOptions): Command<'CallEnd'>;
}

/** The event that has what comes of a command; of others it is the call that was named. */
const LAST_FACTS: Partial<Record<Method, string>> = {
  CallStart: 'CalleeAnswered',
  CallBlindTransfer: 'TransferSuccessful',
  CallAttendedTransfer: 'TransferSuccessful',
  Echo: 'Reply',
};

/** What an `Error` without its structured half is, and an end without the facts. */
const notDone = { code: -32014, message: 'Not done' } as const;

/** Runs a command. */
export function run<M extends Method>(
  connection: Connection,
  method: M,
  params: Params<M>,
  { signal, cmdId = connection.name() }: CommandOptions = {},
): Command<M> {
  const queue = new Queue<CommandEvent<M>>(() => {});
  const ended = new Promise<Result<M>>((resolve, reject) => {
    let facts: unknown = method in LAST_FACTS ? undefined : { callid: (params as Params<'CallEnd'>).callid };
    let failure: CallApiError | undefined;
    let over = () => {};
    const fail = (why: unknown) => {
      over();
      queue.fail(why);
      reject(why);
    };
    const hear = (notice: Notice) => {
      const { event, data, error } = notice;
      if (event === 'Refused' || event === 'Lost') {
        fail(new CallApiError(error ?? notDone, event));
        return;
      }
      if (event === LAST_FACTS[method]) facts = data;
      if (event === 'Error') failure = new CallApiError(failureOf(notice), event);
      if (queue.size >= EVENTS_KEPT)
        queue.drop((kept) => kept.event === 'TransferPending') || queue.drop(() => true);
      queue.put(notice as CommandEvent<M>);
      if (event !== 'Ended') return;
      over();
      queue.end();
      if (failure) reject(failure);
      else if (facts === undefined) reject(new CallApiError(notDone, 'Error'));
      // The edge's word is taken for what its protocol says.
      else resolve(facts as Result<M>);
    };
    over = whenAborted(signal, () => {
      connection.forget(cmdId);
      fail(signal?.reason);
    });
    if (!signal?.aborted) connection.run(method, params, hear, cmdId);
  });
  // Who only iterates hears of a failure there.
  ended.catch(() => {});
  return { cmdId, ended, [Symbol.asyncIterator]: () => queue };
}

/** The sentence of an `Error` says more than the name of its code. */
function failureOf({ data, error = notDone }: Notice): CommandFailure {
  return { ...error, ...(data === undefined ? {} : { data }) };
}
