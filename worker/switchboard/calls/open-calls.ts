/** The calls that are open, because something has happened to them or they were read. Those that were opened first are closed again. @module */
import type { CallRecord, CallShelf } from './call-record.ts';
import type { CallContent } from './compact-call.ts';
import type { MemoryLimits } from './memory-limits.ts';

export class OpenCalls implements CallShelf {
  readonly #open = new Set<CallRecord>();
  readonly #read: (record: CallRecord) => CallContent;
  /** {@link closeOthers} is due at this size. It rises with the calls that cannot be closed, so that these are not tried every time. */
  #limit: number;
  readonly #limits: MemoryLimits;

  /** @param read reads a call from its newest line in the log */
  constructor(read: (record: CallRecord) => CallContent, limits: MemoryLimits) {
    this.#read = read;
    this.#limits = limits;
    this.#limit = 2 * limits.maxOpen;
  }

  read(record: CallRecord): CallContent {
    return this.#read(record);
  }

  onOpened(record: CallRecord): void {
    this.#open.add(record);
    if (this.#open.size > this.#limit) this.closeOthers(record);
  }

  /** Closes the calls that were opened first, as many as are too many; never `current`, which somebody is working with. */
  closeOthers(current?: CallRecord): void {
    const { maxOpen, maxText } = this.#limits;
    for (const record of this.#open) {
      if (this.#open.size <= maxOpen) break;
      if (record !== current && record.close(maxText)) this.#open.delete(record);
    }
    this.#limit = 2 * Math.max(maxOpen, this.#open.size);
  }

  /** A call is not kept any more. */
  forget(record: CallRecord): void {
    this.#open.delete(record);
  }
}
