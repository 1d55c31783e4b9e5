/**
 * Decides which transfer a refused call belongs to. If the routing script refuses the new call of a transfer, OpenSIPS raises no
 * event of the transfer. All that shows it is a dialog of an unknown Call-ID that ends before its called side has sent
 * anything (trace `callee-404`), or the example script's own event, which names the transferred dialog.
 * @module
 */
import { dialogState, type EviEvent } from '../opensips/evi.ts';
import type { RunningCommands } from './running-commands.ts';
import type { Command } from './stored-command.ts';

/**
 * After a refused call of no transfer, calls of others are being refused, and a further one proves nothing, for this time: that
 * which a transfer waits for its call.
 */
const OTHER_TRAFFIC_MS = 10_000;

export class RefusedCalls {
  readonly #commands: RunningCommands;
  #otherRefusedAt = Number.NEGATIVE_INFINITY;

  constructor(commands: RunningCommands) {
    this.#commands = commands;
  }

  /** Returns the commands whose new call this event of an unknown Call-ID may be about. */
  receivers(event: EviEvent, now: number): readonly Command[] {
    const awaiting = [...this.#commands.awaitingCall];
    if (event.name === 'E_CALL_REFUSED') return awaiting;
    if (event.name !== 'E_DLG_STATE_CHANGED') return [];
    const { old_state: from, new_state: to, to_tag: calledTag } = event.params;
    if (from !== dialogState.unconfirmed || to !== dialogState.ended || calledTag !== null) return [];
    const isCertain = awaiting.length === 1 && now - this.#otherRefusedAt >= OTHER_TRAFFIC_MS;
    if (awaiting.length === 0) this.#otherRefusedAt = now;
    return isCertain ? awaiting : [];
  }
}
