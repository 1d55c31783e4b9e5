/** What the commands need of a Call API, be it through the edge or straight at an OpenSIPS. @module */
import type { Notice } from '../client/frames.ts';
import type { Call, CallEventName } from '../shared/calls.ts';
import type { Method, Query } from '../shared/methods.ts';

export type { Notice } from '../client/frames.ts';

/** What watchers are told. */
export type News =
  | { readonly is: 'calls'; readonly calls: readonly Call[] }
  | { readonly is: 'call'; readonly event: CallEventName; readonly call: Call; readonly data?: unknown }
  | { readonly is: 'link'; readonly event: 'Up' | 'Down' };

export interface Line {
  /**
   * Runs a command. `hear` is told all of it in order: `Started` or `Refused` first, `Ended`, `Refused` or `Lost` last.
   * @return its `cmd_id`
   */
  run(method: Method, params: object, hear: (notice: Notice) => void): string;
  /** Asks of the calls; rejects with a {@link Failure} where it is refused. */
  ask(query: Query, params: object): Promise<unknown>;
  /** Tells what stands, and then every change until the line is closed; of one call, if it is named. */
  watch(hear: (news: News) => void, callid?: string): void;
  /** Rejects with a {@link Failure} when nothing more can come; never resolves. */
  readonly broken: Promise<never>;
  /** Ends what it holds open; resolves when that is done, with what is still under way. */
  close(): Promise<void>;
}
