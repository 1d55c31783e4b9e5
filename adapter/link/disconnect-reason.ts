/**
 * Why the connection to the edge ended or was refused, and what an operator can do about it.
 * @module
 */
import { closeCode } from '../../shared/protocol/link.ts';

export type DisconnectReason =
  /** The edge answered the upgrade request with this HTTP status. */
  | { readonly by: 'http'; readonly status: number }
  /** The WebSocket was closed. */
  | { readonly by: 'close'; readonly code: number; readonly reason: string }
  /** The network failed (DNS, TCP, TLS), or a timeout passed. */
  | { readonly by: 'network'; readonly message: string };

export interface DisconnectSummary {
  /** For the log: what happened, and what to do. */
  readonly message: string;
  /** Reconnecting soon is useless: an operator has to act first. */
  readonly needsOperator: boolean;
}

const HTTP_MESSAGES: Readonly<Record<number, string>> = {
  401: 'the edge does not know this key (HTTP 401): check ADAPTER_KEY',
  403: 'this key is not allowed to connect an adapter (HTTP 403): check that ADAPTER_KEY is an adapter key of this site',
  404: 'no adapter endpoint at this URL (HTTP 404): check EDGE_URL',
};

const CLOSE_MESSAGES: Readonly<Record<number, string>> = {
  [closeCode.protocol]: 'protocol error between edge and adapter: update both to the same version',
  [closeCode.version]: 'the edge requires another version of the link protocol: update the adapter',
  [closeCode.superseded]:
    'another adapter with the same name has connected and replaced this one: give each its own ADAPTER_NAME',
  [closeCode.occupied]: 'another adapter serves this site: stop that one, or use a key for another site',
  [closeCode.tooLarge]: 'the edge rejected a message because it was too large',
};

/** Returns the message for the log, and whether an operator has to act before the adapter can connect again. */
export function summarizeDisconnect(reason: DisconnectReason): DisconnectSummary {
  switch (reason.by) {
    case 'network':
      return { message: `the edge cannot be reached: ${reason.message}`, needsOperator: false };
    case 'http': {
      const message = HTTP_MESSAGES[reason.status];
      return message === undefined
        ? { message: `the edge answered HTTP ${reason.status}`, needsOperator: false }
        : { message, needsOperator: true };
    }
    case 'close': {
      const message = CLOSE_MESSAGES[reason.code];
      if (message !== undefined) return { message, needsOperator: true };
      const detail = reason.reason === '' ? '' : `: ${reason.reason}`;
      return {
        message: `the connection to the edge was closed (${reason.code}${detail})`,
        needsOperator: false,
      };
    }
  }
}
