/** The MI command `dlg_send_sequential` (module dialog): sends a request within a dialog. @module */
import * as z from 'zod';
import type { Leg } from '../../shared/opensips/evi.ts';
import type { MiRequester } from '../opensips/mi-gateway.ts';
import type { MiRequestParams, MiResponse } from '../opensips/mi-message.ts';
import type { RequestTimeouts } from '../opensips/request-timeouts.ts';
import { SEND_SEQUENTIAL } from '../opensips/send-sequential.ts';

/** A request to a phone. */
export interface SequentialRequest {
  readonly callid: string;
  /** The party that receives it. */
  readonly leg: Leg;
  readonly method: 'REFER' | 'INVITE' | 'OPTIONS';
  /** Header lines with their line ends. OpenSIPS 3.4 has no such param. */
  readonly headers?: string;
  readonly sdp?: string;
}

/** Sends a request. Returns the status line of the phone, or how the MI command ended otherwise. Never rejects. */
export type SequentialSender = (
  request: SequentialRequest,
  timeouts: RequestTimeouts,
  id: string | undefined,
) => Promise<{ readonly status: string } | MiResponse>;

export interface Refusal {
  readonly error: { readonly code: number; readonly message: string };
}

/** Returns an error of the form that OpenSIPS has. */
export function refusal(code: number, message: string): Refusal {
  return { error: { code, message } };
}

/**
 * How much later than `fr_timeout` the response may come, in milliseconds: the timers of tm tick ten times a second, and a
 * loaded OpenSIPS may be late.
 */
const RESPONSE_MARGIN_MS = 2_000;

const REQUEST_TIMEOUT = 408;

const SequentialResult = z.object({ Code: z.number().int().min(100).max(999), Reason: z.string() });

/** @param frTimeoutMs how long OpenSIPS waits for the phone */
export function createSequentialSender(mi: MiRequester, frTimeoutMs: number): SequentialSender {
  return async (request, { timeoutMs, ...times }, id) => {
    const limits = { timeoutMs: Math.min(timeoutMs, frTimeoutMs + RESPONSE_MARGIN_MS), ...times };
    return statusOf(await mi.request(SEND_SEQUENTIAL, paramsOf(request), limits, id));
  };
}

/** OpenSIPS accepts certain sets of params only: `headers` only together with all others. */
function paramsOf({ callid, leg, method, headers, sdp }: SequentialRequest): MiRequestParams {
  return {
    callid,
    method,
    mode: leg,
    body: sdp === undefined ? 'none' : `custom:application/sdp:${sdp}`,
    ...(headers === undefined ? {} : { headers }),
  };
}

function statusOf(response: MiResponse): { readonly status: string } | MiResponse {
  if ('outcome' in response) return response;
  if ('error' in response)
    return response.error.code === REQUEST_TIMEOUT ? { status: '408 Request Timeout' } : response;
  const result = SequentialResult.safeParse(response.result);
  // The reason is text of a phone. It may be empty.
  if (result.success) return { status: `${result.data.Code} ${result.data.Reason}`.trim() };
  return refusal(500, `OpenSIPS responded to ${SEND_SEQUENTIAL} in an unknown form`);
}
