/**
 * Why a link ended, and what an operator is to do about it.
 * @module
 */
import { closeCode } from '../shared/link.ts';

/** How a connection ended, or why there was none. */
export type Ending =
  /** The upgrade was answered with this HTTP status. */
  | { readonly by: 'http'; readonly status: number }
  /** The socket was closed. */
  | { readonly by: 'close'; readonly code: number; readonly reason: string }
  /** The network failed: DNS, TCP, TLS; or nothing came for too long. */
  | { readonly by: 'network'; readonly message: string };

export interface Verdict {
  readonly message: string;
  /** Trying again at once is useless: only a person can mend it. */
  readonly needsPerson: boolean;
}

const HTTP: Readonly<Record<number, string>> = {
  401: 'the edge does not know this key: check ADAPTER_KEY',
  403: 'this key may not connect an adapter: check ADAPTER_KEY, and that it was made for this site',
  404: "the edge has no adapters' door at this address: check EDGE_URL",
};

const CLOSED: Readonly<Record<number, string>> = {
  [closeCode.protocol]: 'the edge could not read what this adapter said, or the other way round: update both',
  [closeCode.version]: 'the edge speaks another version of the link: update the adapter',
  [closeCode.superseded]: 'another adapter of the same name has taken over: give each its own ADAPTER_NAME',
  [closeCode.occupied]: 'another adapter serves this site: stop that one, or use a key for another site',
  [closeCode.tooLarge]: 'a message was larger than the edge takes',
};

/** What to tell the operator, and how soon to try again. */
export function verdict(ending: Ending): Verdict {
  switch (ending.by) {
    case 'network':
      return { message: `the edge cannot be reached: ${ending.message}`, needsPerson: false };
    case 'http': {
      const message = HTTP[ending.status];
      return message === undefined
        ? { message: `the edge answered HTTP ${ending.status}`, needsPerson: false }
        : { message, needsPerson: true };
    }
    case 'close': {
      const message = CLOSED[ending.code];
      if (message !== undefined) return { message, needsPerson: true };
      const because = ending.reason === '' ? '' : `: ${ending.reason}`;
      return { message: `the link was closed (${ending.code}${because})`, needsPerson: false };
    }
  }
}
