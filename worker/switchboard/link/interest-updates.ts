/** What an adapter is still to be told of the calls that commands and clients wait for. Pure. @module */
import type { InterestMessage } from '../../../shared/protocol/link.ts';

/** The calls that are waited for. */
export interface Interest {
  /** Whether clients watch calls. */
  readonly isWatched: boolean;
  /** The Call-IDs that commands follow. */
  readonly followed: Iterable<string>;
  /** What has changed in `followed` since this was passed on last: whether each is followed now. */
  readonly changes: ReadonlyMap<string, boolean>;
}

/**
 * The updates for one connection. They go along with what is sent anyway, because what they change is only how soon events come; but
 * not where a client begins to watch. After a hibernation it is not known what the adapter was told, so it is told everything again.
 */
export class InterestUpdates {
  #changes: Map<string, boolean> | undefined;
  #isWatched = false;
  #sentWatched: boolean | undefined;

  apply({ isWatched, followed, changes }: Interest): void {
    this.#isWatched = isWatched;
    this.#changes ??= new Map(Array.from(followed, (callid) => [callid, true]));
    // Also where both changes were to be told together: the adapter may know the call from before a hibernation.
    for (const [callid, isFollowed] of changes) this.#changes.set(callid, isFollowed);
  }

  /** Whether the adapter must be told at once. */
  get isUrgent(): boolean {
    return this.#isWatched && this.#sentWatched === false;
  }

  /** Removes and returns what is to be told; undefined if there is nothing. */
  take(): InterestMessage | undefined {
    const changes = this.#changes;
    const isSameWatch = this.#isWatched === this.#sentWatched;
    if (!changes || (changes.size === 0 && isSameWatch)) return undefined;
    const add = [...changes.keys()].filter((callid) => changes.get(callid));
    const remove = [...changes.keys()].filter((callid) => !changes.get(callid));
    changes.clear();
    this.#sentWatched = this.#isWatched;
    return {
      type: 'interest',
      ...(isSameWatch ? {} : { all: this.#isWatched }),
      ...(add.length === 0 ? {} : { add }),
      ...(remove.length === 0 ? {} : { remove }),
    };
  }
}
