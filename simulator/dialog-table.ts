/** All dialogs, in the order of OpenSIPS's hash table: that is the order of `dlg_list`, and what its pages count. */
import { type Dialog, type Invite, isAlive, STATE } from './dialog.ts';
import { randomNumber } from './sip.ts';

/** `hash_size` of the dialog module: 2^12 entries by default. */
const ENTRIES = 4096;

/** OpenSIPS's `core_hash` of a Call-ID (hash_func.h). All 171 recorded dialog ids begin with it. */
export function hashEntry(callid: string): number {
  const bytes = Buffer.from(callid);
  const whole = bytes.length - (bytes.length % 4);
  let hash = 0;
  const mix = (word: number) => {
    hash = (hash + ((word ^ (word >>> 3)) >>> 0)) >>> 0;
  };
  for (let at = 0; at < whole; at += 4) mix(bytes.readUInt32BE(at));
  mix(bytes.subarray(whole).reduce((word, byte) => word * 256 + byte, 0));
  hash = (hash + (hash >>> 11) + (hash >>> 13) + (hash >>> 23)) >>> 0;
  return hash & (ENTRIES - 1);
}

const backwards = (number: number): string => [...number.toString(16)].reverse().join('');

/** Finds by Call-ID at once; only listing walks through all. */
export class DialogTable {
  readonly #byCallid = new Map<string, Dialog>();
  readonly #entries: Dialog[][] = Array.from({ length: ENTRIES }, () => []);
  #size = 0;

  /** How many are listed, dead ones too. */
  get size(): number {
    return this.#size;
  }

  /** `create_dialog()`: a dialog in state 1. */
  open(invite: Invite): Dialog {
    const { callid, callee, ...known } = invite;
    const entry = hashEntry(callid);
    const id = randomNumber();
    const dialog: Dialog = {
      ...known,
      callid,
      entry,
      dialogId: `${backwards(entry)}.${backwards(id)}`,
      dbId: String(entry * 2 ** 32 + id),
      callee: { user: callee, tag: undefined, contact: '', sdp: undefined, cseq: 0 },
      state: STATE.unconfirmed,
      times: { [STATE.unconfirmed]: Date.now() },
      held: { caller: false, callee: false },
      transferLeg: undefined,
      transferCallid: undefined,
      references: 0,
    };
    this.#byCallid.set(callid, dialog);
    this.#entries[entry]?.push(dialog);
    this.#size++;
    return dialog;
  }

  /** The dialog of a Call-ID, unless it has ended. */
  alive(callid: string): Dialog | undefined {
    const dialog = this.#byCallid.get(callid);
    return dialog !== undefined && isAlive(dialog) ? dialog : undefined;
  }

  remove(dialog: Dialog): void {
    const entry = this.#entries[dialog.entry];
    const at = entry?.indexOf(dialog) ?? -1;
    if (at < 0) return;
    entry?.splice(at, 1);
    this.#size--;
    if (this.#byCallid.get(dialog.callid) === dialog) this.#byCallid.delete(dialog.callid);
  }

  /** Every listed dialog in the order of the hash table. */
  *all(): Generator<Dialog> {
    for (const entry of this.#entries) yield* entry;
  }
}
