/**
 * Asks OpenSIPS for each call that should stand whether it does. What is asked and not answered is kept in memory
 * only: a survey that is lost to a crash or a sleep does no harm, and the next one asks again.
 *
 * Each call is asked for by its Call-ID: OpenSIPS may hold a thousand times as many calls that are not ours, and in
 * its list of all the pages move while they are read.
 * @module
 */
import { MI_MS } from '../shared/deadlines.ts';
import { dialogState } from '../shared/evi.ts';
import type { Mi, Reply } from '../shared/link.ts';
import { DialogResult, NOT_FOUND } from '../shared/mi.ts';

/** So many are asked at a time: calls that are being made wait for their answers behind them. */
const AT_ONCE = 32;

export class Survey {
  /** Unlike any command's: the runner passes over what comes for it. */
  #name = '';
  #asked = 0;
  #left: string[] = [];
  /** Call-IDs by the request that is not answered yet. */
  readonly #pending = new Map<string, string>();
  #requests: Mi[] = [];

  /** Begins anew, whatever is under way. */
  begin(callids: Iterable<string>): void {
    this.#name = `survey-${crypto.randomUUID()}`;
    this.#asked = 0;
    this.#left = [...callids];
    this.#pending.clear();
    this.#requests = [];
    while (this.#left.length > 0 && this.#pending.size < AT_ONCE) this.#ask();
  }

  /** Some are not answered. */
  get underWay(): boolean {
    return this.#pending.size > 0;
  }

  /** There is something to ask. */
  get speaks(): boolean {
    return this.#requests.length > 0;
  }

  /** What is to be asked now. */
  take(): Mi[] {
    return this.#requests.splice(0);
  }

  /** An adapter's answer. Gives the Call-ID of a call that stands no more; of one that may stand, nothing. */
  reply({ id, result, error }: Pick<Reply, 'id' | 'result' | 'error'>): string | undefined {
    const callid = this.#pending.get(id);
    if (callid === undefined) return undefined;
    this.#pending.delete(id);
    if (this.#left.length > 0) this.#ask();
    const found = DialogResult.safeParse(result);
    const ended = found.success && found.data.Dialog.state === dialogState.ended;
    return ended || error?.code === NOT_FOUND ? callid : undefined;
  }

  #ask(): void {
    const callid = this.#left.shift();
    if (callid === undefined) return;
    const id = `${this.#name}.${this.#asked++}`;
    this.#pending.set(id, callid);
    const params = { callid };
    this.#requests.push({
      type: 'mi',
      id,
      method: 'dlg_list',
      params,
      timeout_ms: MI_MS,
      ttl_ms: MI_MS,
    });
  }
}
