/** Recognizes events that two adapters report: both hear of the same dialog. Pure. @module */
import type { EviEvent } from '../../../shared/opensips/evi.ts';

/** Events that are remembered. The other adapter reports the same one within milliseconds. */
export const MAX_SEEN_EVENTS = 1_000;

export class SeenEvents {
  /** The stream that was the first to report an event, the oldest event first. */
  readonly #streams = new Map<string, string>();

  /** Returns whether another stream has reported the event. One that the same stream repeats is an event of its own, as a second hold is. */
  isRepeated(event: EviEvent, stream: string): boolean {
    const key = keyOf(event);
    const first = this.#streams.get(key);
    if (first !== undefined && first !== stream) return true;
    this.#streams.delete(key);
    this.#streams.set(key, stream);
    const [oldest] = this.#streams.keys();
    if (this.#streams.size > MAX_SEEN_EVENTS && oldest !== undefined) this.#streams.delete(oldest);
    return false;
  }

  /** A stream has ended: what it would repeat is reported by others only. */
  forget(stream: string): void {
    for (const [key, each] of this.#streams) if (each === stream) this.#streams.delete(key);
  }
}

/** The state of a dialog is the same whatever it was before: an adapter may have missed that. */
function keyOf({ name, params }: EviEvent): string {
  if (name !== 'E_DLG_STATE_CHANGED') return `${name}\n${JSON.stringify(params)}`;
  return `${params.callid}\n${params.id}\n${params.new_state}`;
}
