/** Which events the edge waits for, as it has told on this connection. Pure. @module */
import { dialogState, type EviEvent } from '../../shared/opensips/evi.ts';
import type { InterestMessage } from '../../shared/protocol/link.ts';

/** Call-IDs beyond which all events count as waited for. Each running command of the edge has one to three. */
const MAX_AWAITED = 200_000;

/** New calls of transfers that the edge does not name yet. It does within a round trip. */
const MAX_NEW_CALLS = 256;

export class CallInterest {
  /** Until the edge has told anything, it may wait for all. */
  #all = true;
  readonly #awaited = new Set<string>();
  /** The new calls of transfers that are waited for, oldest first. */
  readonly #newCalls = new Set<string>();

  /** The number of Call-IDs that commands wait for. */
  get awaitedCount(): number {
    return this.#awaited.size;
  }

  /** Whether clients watch all calls, or the edge has told nothing yet. */
  get isAll(): boolean {
    return this.#all || this.#awaited.size >= MAX_AWAITED;
  }

  apply({ all = this.#all, add = [], remove = [] }: InterestMessage): void {
    this.#all = all;
    for (const callid of remove) this.#awaited.delete(callid);
    for (const callid of add) if (this.#awaited.size < MAX_AWAITED) this.#awaited.add(callid);
  }

  /** Returns whether a command or a client waits for an event. */
  isAwaited({ name, params }: EviEvent): boolean {
    if (this.isAll) return true;
    const isKnown = this.isCallAwaited(params.callid);
    switch (name) {
      case 'E_CALL_TRANSFER':
        if (isKnown) this.#addNewCall(params.transfer_callid);
        return isKnown || this.isCallAwaited(params.transfer_callid);
      case 'E_CALL_REFUSED':
        return isKnown || this.#awaited.size > 0;
      case 'E_DLG_STATE_CHANGED':
        return isKnown || (isRefused(params) && this.#awaited.size > 0);
      default:
        return isKnown;
    }
  }

  isCallAwaited(callid: string): boolean {
    return this.isAll || this.#awaited.has(callid) || this.#newCalls.has(callid);
  }

  #addNewCall(callid: string): void {
    if (callid === '' || this.#awaited.has(callid)) return;
    this.#newCalls.add(callid);
    const [oldest] = this.#newCalls;
    if (this.#newCalls.size > MAX_NEW_CALLS && oldest !== undefined) this.#newCalls.delete(oldest);
  }
}

/** A call that the script refuses may be the new call of a transfer, which has no other event: `shared/runner/refused-calls.ts`. */
function isRefused({ old_state, new_state }: { old_state: number; new_state: number }): boolean {
  return old_state === dialogState.unconfirmed && new_state === dialogState.ended;
}
