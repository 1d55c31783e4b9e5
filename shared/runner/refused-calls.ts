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
 * After a refused call of no transfer, calls of others are being refused, and for this time a further one proves nothing. A
 * transfer waits as long for its call.
 */
const OTHER_TRAFFIC_MS = 10_000;

/** Calls that are remembered although nobody follows them, until their end has arrived: it follows within milliseconds. */
const MAX_REMEMBERED = 256;

export class RefusedCalls {
  readonly #commands: RunningCommands;
  #otherRefusedAt = Number.NEGATIVE_INFINITY;
  /** Call-IDs of calls that the script has reported as refused, so that their end proves nothing more. */
  readonly #reported = new Set<string>();
  /** Call-IDs of commands that have finished. The end of the dialog may come after the reply that has finished the command. */
  readonly #finished = new Set<string>();

  constructor(commands: RunningCommands) {
    this.#commands = commands;
  }

  /** Returns the commands whose new call this event of an unknown Call-ID may be about. */
  receivers(event: EviEvent, now: number): readonly Command[] {
    const awaiting = [...this.#commands.awaitingCall];
    if (event.name === 'E_CALL_REFUSED') {
      remember(this.#reported, event.params.callid);
      return awaiting;
    }
    if (event.name !== 'E_DLG_STATE_CHANGED') return [];
    const { old_state: from, new_state: to, to_tag: calledTag } = event.params;
    if (from !== dialogState.unconfirmed || to !== dialogState.ended || calledTag !== null) return [];
    if (this.#reported.delete(event.params.callid) || this.#finished.has(event.params.callid)) return [];
    const isCertain = awaiting.length === 1 && now - this.#otherRefusedAt >= OTHER_TRAFFIC_MS;
    if (awaiting.length === 0) this.#otherRefusedAt = now;
    return isCertain ? awaiting : [];
  }

  /** A command has finished that followed these calls: none of them is the new call of another command. */
  onFinished(callids: readonly string[]): void {
    for (const callid of callids) remember(this.#finished, callid);
  }
}

function remember(callids: Set<string>, callid: string): void {
  const [oldest] = callids;
  if (oldest !== undefined && callids.size >= MAX_REMEMBERED) callids.delete(oldest);
  callids.add(callid);
}
