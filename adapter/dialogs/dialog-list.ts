/** The dialogs of OpenSIPS as the adapter has read them last, with numbered changes. Pure. @module */
import { dialogState } from '../../shared/opensips/evi.ts';
import type { Dialog } from '../../shared/opensips/mi.ts';
import type { ListResult } from '../../shared/protocol/dialog-list.ts';

/** Characters of dialogs in a result. A frame may have 524,288, and acknowledgements must get in between. */
export const MAX_RESULT_CHARACTERS = 131_072;

/** Calls that are remembered as gone. An edge that has missed more asks for the whole list. */
export const MAX_GONE = 10_000;

interface Listed {
  readonly callid: string;
  readonly text: string;
  /** The number of the change. */
  readonly changed: number;
}

/** A call that has had no dialog since a change. */
type Gone = Pick<Listed, 'callid' | 'changed'>;

export class DialogList {
  /** By dialog id, in the order of their changes. */
  readonly #dialogs = new Map<string, Listed>();
  /** The number of dialogs of each Call-ID. */
  readonly #counts = new Map<string, number>();
  readonly #gone: Gone[] = [];
  /** The number of the last change that is forgotten. */
  #forgotten = 0;
  #lastChange = 0;
  #isComplete = false;

  /** How many dialogs stand. */
  get size(): number {
    return this.#dialogs.size;
  }

  /**
   * OpenSIPS was read.
   * @param dialogs those that were found, also those that have ended
   * @param isComplete whether all were found. Otherwise those that were not are as before
   */
  update(dialogs: Iterable<Dialog>, isComplete: boolean): void {
    this.#isComplete = isComplete;
    const found = new Set<string>();
    for (const dialog of dialogs) {
      if (dialog.state === dialogState.ended) continue;
      found.add(dialog.ID);
      this.#set(dialog);
    }
    if (!isComplete) return;
    for (const [id, { callid }] of this.#dialogs) if (!found.has(id)) this.#delete(id, callid);
    if (this.#gone.length <= MAX_GONE) return;
    const forgotten = this.#gone.splice(0, this.#gone.length - MAX_GONE);
    this.#forgotten = forgotten.at(-1)?.changed ?? this.#forgotten;
  }

  /** Returns the changes after a number, as many as fit; all that stands if they are not known any more, or were not numbered here. */
  changesAfter(after: number): ListResult {
    const whole = after === 0 || after < this.#forgotten || after > this.#lastChange;
    const from = whole ? 0 : after;
    const dialogs: Dialog[] = [];
    let characters = 0;
    let upto = this.#lastChange;
    let more = false;
    for (const { text, changed } of this.#dialogs.values()) {
      if (changed <= from) continue;
      characters += text.length;
      if (characters > MAX_RESULT_CHARACTERS && dialogs.length > 0) {
        more = true;
        break;
      }
      dialogs.push(JSON.parse(text) as Dialog);
      upto = changed;
    }
    if (!more) upto = this.#lastChange;
    // A call that has gone on in another dialog is not gone.
    const isGone = ({ callid, changed }: Gone) =>
      changed > from && changed <= upto && !this.#counts.has(callid);
    const gone = whole ? [] : this.#gone.filter(isGone).map(({ callid }) => callid);
    return { upto, whole, more, complete: this.#isComplete, dialogs, gone };
  }

  #set(dialog: Dialog): void {
    const { ID, callid } = dialog;
    const text = JSON.stringify(dialog);
    const known = this.#dialogs.get(ID);
    if (known?.text === text) return;
    if (!known) this.#counts.set(callid, (this.#counts.get(callid) ?? 0) + 1);
    this.#dialogs.delete(ID);
    this.#dialogs.set(ID, { callid, text, changed: ++this.#lastChange });
  }

  #delete(id: string, callid: string): void {
    this.#dialogs.delete(id);
    const left = (this.#counts.get(callid) ?? 1) - 1;
    if (left > 0) {
      this.#counts.set(callid, left);
      return;
    }
    this.#counts.delete(callid);
    this.#gone.push({ callid, changed: ++this.#lastChange });
  }
}
