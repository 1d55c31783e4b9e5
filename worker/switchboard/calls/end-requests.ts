/** The requests of commands that end calls: by their replies it is known whether a command has ended a call. @module */

import type { Reply } from '../../../shared/protocol/link.ts';
import type { AdapterRequest } from '../../../shared/runner/mi-requests.ts';

/** Requests without a reply. More than a site has pending at a time; replies that were lost would accumulate otherwise. */
const MAX_PENDING = 1_000;

export class EndRequests {
  /** Call-IDs by request id. They are in memory only: who ended a call is unknown if the object hibernates in between. */
  readonly #pending = new Map<string, string>();

  /** Notes the requests of a turn. Returns the Call-IDs of the calls that they end. */
  onSent(requests: readonly Pick<AdapterRequest, 'id' | 'method' | 'params'>[]): string[] {
    return requests.flatMap(({ id, method, params }) => {
      const callid = params['dialog_id'];
      if (method !== 'dlg_end_dlg' || typeof callid !== 'string') return [];
      this.#pending.set(id, callid);
      const [oldest] = this.#pending.keys();
      if (this.#pending.size > MAX_PENDING && oldest !== undefined) this.#pending.delete(oldest);
      return [callid];
    });
  }

  /** Returns what a reply tells of a call; undefined if it is not about one, or tells nothing. */
  onReply({
    id,
    error,
    outcome,
  }: Pick<Reply, 'id' | 'error' | 'outcome'>):
    | { readonly callid: string; readonly isEnding: boolean }
    | undefined {
    const callid = this.#pending.get(id);
    if (callid === undefined) return undefined;
    this.#pending.delete(id);
    // After a timeout OpenSIPS may have ended the call. Then it does not know the call when it is asked again.
    const mayHaveRun = outcome === undefined || outcome === 'timeout';
    return mayHaveRun ? { callid, isEnding: !error } : undefined;
  }
}
