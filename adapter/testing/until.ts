/**
 * Waiting for a condition instead of for a time.
 * @module
 */
import { EventEmitter, once } from 'node:events';

/** Something that changes, and on which tests wait. */
export class Changing {
  readonly #changes = new EventEmitter().setMaxListeners(0);

  /** To be called after every change. */
  protected changed(): void {
    this.#changes.emit('change');
  }

  /** Resolves as soon as `condition` gives something other than false and undefined. */
  async until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await once(this.#changes, 'change');
    }
  }
}
