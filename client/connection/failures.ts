/** Builds the errors that the client itself reports for requests that get no response. Pure. @module */
import type { RpcError } from './messages.ts';

/** Why a connection is closed for good. */
export type CloseReason = 'requested' | 'unauthorized' | 'superseded';

/** Why a request gets no response: the connection is closed, its socket was lost, or none opened in time. */
export type LossReason = CloseReason | 'disconnected' | 'expired';

const DETAIL: Readonly<Record<LossReason, string>> = {
  requested: 'the connection was closed',
  unauthorized: 'the token does not hold: come back with another one',
  superseded: 'a newer connection has taken this session up',
  disconnected: 'the connection was lost',
  expired: 'no connection for too long',
};

/** Returns the error of a request that was sent but gets no response: the edge may have run it or not. */
export function noResponse(reason: LossReason): RpcError {
  return { code: -32013, message: 'No answer', data: DETAIL[reason] };
}

/** Returns the error of a request that was never sent. */
export function notSent(reason: LossReason): RpcError {
  const [code, message] = reason === 'unauthorized' ? [-32002, 'Not allowed'] : [-32012, 'Timed out'];
  return { code, message, data: `${DETAIL[reason]}; it was not sent` };
}
