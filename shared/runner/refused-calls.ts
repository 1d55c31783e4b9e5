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

/** Reported calls whose end has not arrived: it follows within milliseconds. */
const MAX_REPORTED = 256;

export class RefusedCalls {
  readonly #commands: RunningCommands;
  /** By adapter: calls at another OpenSIPS have nothing to do with a transfer. */
  readonly #otherRefusedAt = new Map<string | undefined, number>();
  /** Call-IDs of calls that the script has reported as refused, so that their end proves nothing more. */
  readonly #reported = new Set<string>();

  constructor(commands: RunningCommands) {
    this.#commands = commands;
  }

  /**
   * Returns the commands whose new call this event may be about; no command follows its Call-ID.
   * @param adapter the adapter whose OpenSIPS the event is about; undefined if any may be
   * @param isKnownCall returns whether the site has known the call before, so that it is not new: the end of a dialog may come after
   * the reply that has finished its command
   */
  receivers(
    event: EviEvent,
    now: number,
    adapter: string | undefined,
    isKnownCall: (callid: string) => boolean,
  ): readonly Command[] {
    const awaiting = [...this.#commands.awaitingCall].filter(
      (command) => adapter === undefined || command.adapter === adapter,
    );
    if (event.name === 'E_CALL_REFUSED') {
      this.#noteReported(event.params.callid);
      return awaiting;
    }
    if (event.name !== 'E_DLG_STATE_CHANGED') return [];
    const { old_state: from, new_state: to, to_tag: calledTag } = event.params;
    if (from !== dialogState.unconfirmed || to !== dialogState.ended || calledTag !== null) return [];
    const { callid } = event.params;
    if (this.#reported.delete(callid) || isKnownCall(callid)) return [];
    const otherRefusedAt = this.#otherRefusedAt.get(adapter) ?? Number.NEGATIVE_INFINITY;
    const isCertain = awaiting.length === 1 && now - otherRefusedAt >= OTHER_TRAFFIC_MS;
    if (awaiting.length === 0) this.#otherRefusedAt.set(adapter, now);
    return isCertain ? awaiting : [];
  }

  #noteReported(callid: string): void {
    const [oldest] = this.#reported;
    if (oldest !== undefined && this.#reported.size >= MAX_REPORTED) this.#reported.delete(oldest);
    this.#reported.add(callid);
  }
}
