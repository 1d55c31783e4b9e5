/** What the commands need of a Call API, be it through the edge or directly at an OpenSIPS. @module */
import type { CommandUpdate } from '../../client/connection/messages.ts';
import type { Call, CallEventName, CallState } from '../../shared/calls/call.ts';
import type { CommandMethod } from '../../shared/protocol/rpc/commands.ts';
import type { QueryMethod } from '../../shared/protocol/rpc/queries.ts';

export type { CommandUpdate } from '../../client/connection/messages.ts';

/** What a watch reports: a list of calls, a change of one call, or a change of the link to the adapter. */
export type WatchEvent =
  | { readonly type: 'calls'; readonly calls: readonly Call[] }
  | { readonly type: 'call'; readonly event: CallEventName; readonly call: Call; readonly data?: unknown }
  | { readonly type: 'link'; readonly event: 'Up' | 'Down' };

export interface Transport {
  /**
   * Runs a command. `onUpdate` receives all of its updates in order: `Started` or `Refused` first, `Ended`, `Refused` or
   * `Lost` last.
   * @return its `cmd_id`
   */
  run(method: CommandMethod, params: object, onUpdate: (update: CommandUpdate) => void): string;
  /** Sends a query about calls; rejects with a {@link Failure} where it is refused. */
  query(query: QueryMethod, params: object): Promise<unknown>;
  /** The states in which its lists can show a call. */
  readonly states: readonly CallState[];
  /** Reports the active calls, then every change until the transport is closed; of one call, if it is named. */
  watch(onEvent: (event: WatchEvent) => void, callid?: string): void;
  /** Rejects with a {@link Failure} when nothing more can arrive; never resolves. */
  readonly failed: Promise<never>;
  /** Closes its connections; resolves when that is done, together with whatever is still in progress. */
  close(): Promise<void>;
}
