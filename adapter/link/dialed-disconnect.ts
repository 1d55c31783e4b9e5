/** Why a link that the edge had opened has ended. Pure. @module */
import { closeCode } from '../../shared/protocol/link.ts';
import { type DisconnectReason, summarizeDisconnect } from './disconnect-reason.ts';

/** RFC 6455 §7.4.1: the edge does not need the link now, or is restarted. */
const ORDERLY: readonly number[] = [1000, 1001];

export interface DialedDisconnect {
  readonly level: 'info' | 'warn' | 'error';
  /** For the log: what happened, and what to do. */
  readonly message: string;
}

const DIALS_AGAIN = 'The edge dials again when it needs the adapter.';

/** Returns the line for the log. */
export function summarizeDialedDisconnect(reason: DisconnectReason): DialedDisconnect {
  if (reason.by === 'close' && reason.code === closeCode.unauthorized)
    return {
      level: 'error',
      message:
        'The edge has rejected the adapter key: it is revoked, or of another site than the one whose link names --public-url (ADAPTER_PUBLIC_URL). Set --key (ADAPTER_KEY) to a valid adapter key of that site.',
    };
  const { message, needsOperator } = summarizeDisconnect(reason);
  if (needsOperator) return { level: 'error', message };
  if (reason.by === 'http') return { level: 'warn', message };
  if (reason.by === 'network')
    return { level: 'warn', message: `The link was lost: ${reason.reason}. ${DIALS_AGAIN}` };
  const detail = reason.reason === '' ? '' : `: ${reason.reason}`;
  return {
    level: ORDERLY.includes(reason.code) ? 'info' : 'warn',
    message: `The link was closed (code ${reason.code}${detail}). ${DIALS_AGAIN}`,
  };
}
