/**
 * Why the connection to the edge ended or was refused, and what an operator can do about it.
 * @module
 */
import { closeCode } from '../../shared/protocol/link.ts';
import type { ErrorReason } from '../../shared/settings/error-reason.ts';

export type DisconnectReason =
  /** The edge answered the upgrade request with this HTTP status. */
  | { readonly by: 'http'; readonly status: number }
  /** The WebSocket was closed. */
  | { readonly by: 'close'; readonly code: number; readonly reason: string }
  /** The network failed (DNS, TCP, TLS), or a timeout passed. */
  | ({ readonly by: 'network'; readonly wasConnected: boolean } & ErrorReason);

export interface DisconnectSummary {
  /** For the log: what happened, and what to do. */
  readonly message: string;
  /** Reconnecting soon is useless: an operator has to act first. */
  readonly needsOperator: boolean;
}

/** RFC 6455 §7.1.5: the connection was lost without a close frame. */
const ABNORMAL_CLOSURE = 1006;

const CHECK_URL =
  'Check --edge (EDGE_URL): it must be the adapter endpoint of an edge, such as wss://calls.example.com/adapter.';

const HTTP_MESSAGES: Readonly<Record<number, string>> = {
  401: 'The edge rejected the adapter key (HTTP 401): it is missing, wrong or revoked. Set --key (ADAPTER_KEY) to an adapter key of this site.',
  403: 'The edge does not allow this adapter (HTTP 403). Check that --key (ADAPTER_KEY) is an adapter key; a local edge accepts connections from its own machine only.',
  404: `There is no adapter endpoint at this URL (HTTP 404). ${CHECK_URL}`,
  426: 'A proxy in front of the edge does not forward WebSockets (HTTP 426). Let it pass the Upgrade header.',
};

const CLOSE_MESSAGES: Readonly<Record<number, string>> = {
  [closeCode.protocol]:
    'The edge and the adapter do not understand each other. Check that --edge (EDGE_URL) is an edge, and update both to the same version.',
  [closeCode.superseded]:
    'Another adapter with the same name has connected and replaced this one. Give each adapter its own --name (ADAPTER_NAME).',
  [closeCode.occupied]:
    'This site has as many adapters as it may have. Stop one of them, or set --key (ADAPTER_KEY) to a key of another site.',
  [closeCode.tooLarge]:
    'The edge rejected a message because it was too large. Update the edge and the adapter to the same version.',
};

/** Returns the message for the log, and whether an operator has to act before the adapter can connect again. */
export function summarizeDisconnect(reason: DisconnectReason): DisconnectSummary {
  switch (reason.by) {
    case 'network':
      return { message: networkMessage(reason), needsOperator: false };
    case 'http':
      return summarizeStatus(reason.status);
    case 'close': {
      if (reason.code === closeCode.version)
        return { message: versionMessage(reason.reason), needsOperator: true };
      const message = CLOSE_MESSAGES[reason.code];
      return { message: message ?? closeMessage(reason), needsOperator: message !== undefined };
    }
  }
}

function networkMessage({
  wasConnected,
  reason,
  remedy = 'Check --edge (EDGE_URL), the network and the firewall.',
}: Extract<DisconnectReason, { by: 'network' }>): string {
  return wasConnected
    ? `The connection to the edge was lost: ${reason}. The adapter connects again.`
    : `Cannot connect to the edge: ${reason}. ${remedy}`;
}

export function summarizeStatus(status: number): DisconnectSummary {
  const known = HTTP_MESSAGES[status];
  if (known !== undefined) return { message: known, needsOperator: true };
  if (status === 429 || status >= 500)
    return {
      message: `The edge is not available (HTTP ${status}). The adapter tries again; if this lasts, see the log of the edge.`,
      needsOperator: false,
    };
  const message =
    status >= 300 && status < 400
      ? `The server redirects to another address (HTTP ${status}). Set --edge (EDGE_URL) to that address.`
      : `The server answered HTTP ${status} instead of opening a WebSocket. ${CHECK_URL}`;
  return { message, needsOperator: true };
}

/** @param reason says which side must be updated */
function versionMessage(reason: string): string {
  const advice = reason === '' ? 'Update both to the same release.' : reason;
  return `The adapter and the edge have no version of the link protocol in common. ${advice}`;
}

function closeMessage({ code, reason }: Extract<DisconnectReason, { by: 'close' }>): string {
  if (code === closeCode.unauthorized)
    return 'The edge closed the connection because the adapter key was revoked or the site was deleted. Set --key (ADAPTER_KEY) to a valid adapter key.';
  if (code === ABNORMAL_CLOSURE) return 'The connection to the edge was lost. The adapter connects again.';
  const detail = reason === '' ? '' : `: ${reason}`;
  return `The edge closed the connection (code ${code}${detail}). The adapter connects again.`;
}
