/** What reads the log for one socket, page by page. @module */
import type { Observable } from '../calls/watchers.ts';

/** What a turn has read for a socket. */
export interface ReplayPage {
  /** What the socket is sent, in order. */
  readonly items: readonly Observable[];
  /** Bytes of the rows that were read, also of those that did not match. */
  readonly bytes: number;
  /** Whether everything in the log has been read. */
  readonly isLast: boolean;
}

/** Reads the log for one socket. It goes on where it stopped, also after a page that was the last one then. */
export interface ReplayReader {
  /** Reads a page; undefined if the log no longer has everything that is still to be read. */
  read(maxBytes: number): ReplayPage | undefined;
}

/** A reader that can be merged with another one: see `merged-reader.ts`. */
export interface OrderedReader extends ReplayReader {
  /** It has returned everything up to this number. */
  readonly upTo: number;
}
