/**
 * All dialogs in the order of OpenSIPS's hash table, which is also the order and the page order of `dlg_list`.
 * @module
 */
import { randomUint32 } from '../sip/sip-text.ts';
import { DIALOG_STATE, type Dialog, type Invite, isActive } from './dialog.ts';

/** `hash_size` of the dialog module: 2^12 entries by default. */
const HASH_SIZE = 4096;

/** OpenSIPS's `core_hash` of a Call-ID (hash_func.h). All 171 recorded dialog ids begin with it. */
export function hashCallId(callid: string): number {
  const bytes = Buffer.from(callid);
  const wholeWords = bytes.length - (bytes.length % 4);
  let hash = 0;
  const mix = (word: number) => {
    hash = (hash + ((word ^ (word >>> 3)) >>> 0)) >>> 0;
  };
  for (let at = 0; at < wholeWords; at += 4) mix(bytes.readUInt32BE(at));
  mix(bytes.subarray(wholeWords).reduce((word, byte) => word * 256 + byte, 0));
  hash = (hash + (hash >>> 11) + (hash >>> 13) + (hash >>> 23)) >>> 0;
  return hash & (HASH_SIZE - 1);
}

const reversedHex = (number: number): string => [...number.toString(16)].reverse().join('');

/** Finds dialogs by their Call-ID in constant time; only listing iterates over all of them. */
export class DialogTable {
  /** Each list is in the order of creation, as the hash table's entry is. */
  readonly #byCallid = new Map<string, Dialog[]>();
  readonly #entries: Dialog[][] = Array.from({ length: HASH_SIZE }, () => []);
  /** The second hash number of the next dialog in each entry: it is counted up (`callee-followed`). */
  readonly #nextHashIds: number[] = Array.from({ length: HASH_SIZE }, () => randomUint32());
  #size = 0;

  /** The number of listed dialogs, including those that have ended. */
  get size(): number {
    return this.#size;
  }

  /** Creates a dialog in state 1, as `create_dialog()` does. */
  create(invite: Invite): Dialog {
    const { callid, callee, ...known } = invite;
    const hashEntry = hashCallId(callid);
    const hashId = this.#nextHashIds[hashEntry] ?? 0;
    this.#nextHashIds[hashEntry] = (hashId + 1) % 2 ** 32;
    const dialog: Dialog = {
      ...known,
      callid,
      hashEntry,
      dialogId: `${reversedHex(hashEntry)}.${reversedHex(hashId)}`,
      dbId: String(hashEntry * 2 ** 32 + hashId),
      callee: {
        user: callee,
        tag: undefined,
        contact: '',
        sdp: undefined,
        receivedSdp: undefined,
        receivedDirection: undefined,
        cseq: 0,
      },
      state: DIALOG_STATE.unconfirmed,
      stateTimes: { [DIALOG_STATE.unconfirmed]: Date.now() },
      held: { caller: false, callee: false },
      transferLeg: undefined,
      transferCallid: undefined,
      handlesNotify: false,
      references: 0,
    };
    this.#byCallid.set(callid, [...this.allOf(callid), dialog]);
    this.#entries[hashEntry]?.push(dialog);
    this.#size++;
    return dialog;
  }

  /** Returns the listed dialogs of a Call-ID, oldest first. There are two if a phone went on after a refusal. */
  allOf(callid: string): readonly Dialog[] {
    return this.#byCallid.get(callid) ?? [];
  }

  /** Returns the first dialog of a Call-ID that has not ended (get_dlg_by_callid in dlg_hash.c). */
  findActive(callid: string): Dialog | undefined {
    return this.allOf(callid).find(isActive);
  }

  /** Returns the dialog with a dialog id unless it has ended (get_dlg_by_did in dlg_hash.c). */
  findActiveById(dialogId: string): Dialog | undefined {
    const [reversedEntry = ''] = dialogId.split('.');
    const hashEntry = Number.parseInt([...reversedEntry].reverse().join(''), 16);
    return this.#entries[hashEntry]?.find((dialog) => dialog.dialogId === dialogId && isActive(dialog));
  }

  remove(dialog: Dialog): void {
    const entry = this.#entries[dialog.hashEntry];
    const index = entry?.indexOf(dialog) ?? -1;
    if (index < 0) return;
    entry?.splice(index, 1);
    this.#size--;
    const others = this.allOf(dialog.callid).filter((other) => other !== dialog);
    if (others.length > 0) this.#byCallid.set(dialog.callid, others);
    else this.#byCallid.delete(dialog.callid);
  }

  /** Every listed dialog in the order of the hash table. */
  *all(): Generator<Dialog> {
    for (const entry of this.#entries) yield* entry;
  }
}
