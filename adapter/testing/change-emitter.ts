/**
 * Lets a test wait for a condition instead of for a time.
 * @module
 */
import { EventEmitter, once } from 'node:events';

/** An object whose changes tests can wait for. */
export class ChangeEmitter {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  /** Must be called after every change. */
  protected emitChange(): void {
    this.#emitter.emit('change');
  }

  /** Resolves with the condition's value as soon as it is neither false nor undefined. */
  async waitFor<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await once(this.#emitter, 'change');
    }
  }
}
