/** Builds the errors that the client itself reports for requests that get no response. Pure. @module */
import type { RpcError } from './messages.ts';

/** Why a connection is closed for good. */
export type CloseReason = 'requested' | 'unauthorized' | 'superseded';

/** Why a request gets no response: the connection is closed, its socket was lost, or the edge did not respond in time. */
export type LossReason = CloseReason | 'disconnected' | 'expired';

const DETAIL: Readonly<Record<LossReason, string>> = {
  requested: 'The connection was closed.',
  unauthorized: 'The token is invalid or expired. Use another one.',
  superseded: 'A newer connection took over this session.',
  disconnected: 'The connection was lost.',
  expired: 'The edge did not respond within 30 s.',
};

/**
 * Returns the error of a request that was sent but gets no response: the edge may have run it or not.
 * @param outcome what is known about the request; empty for a watch
 */
export function noResponse(reason: LossReason, outcome = ' The request may have run.'): RpcError {
  return { code: -32013, message: 'No response', data: DETAIL[reason] + outcome };
}

/** Returns the error of a request that was never sent. */
export function notSent(reason: LossReason): RpcError {
  const data = `${DETAIL[reason]} The request was not sent.`;
  return reason === 'unauthorized'
    ? { code: -32002, message: 'Not allowed', data }
    : { code: -32012, message: 'Timed out', data };
}

/** Returns the error of a command whose `cmd_id` another running command of this client has. */
export function conflict(cmdId: string): RpcError {
  return {
    code: -32004,
    message: 'Conflict',
    data: `cmd_id: ${quote(cmdId)} is in use. Use another one.`,
  };
}

/** Longer values are cut. */
const MAX_QUOTED_CHARACTERS = 64;

/** Quotes a value for an error message. */
export function quote(value: string | URL): string {
  return JSON.stringify(`${value}`.slice(0, MAX_QUOTED_CHARACTERS));
}
