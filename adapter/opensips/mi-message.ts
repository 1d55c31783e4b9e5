/**
 * MI datagrams: JSON-RPC 2.0, except for some errors, which are plain text without an id.
 * @module
 */
import * as z from 'zod';
import { MiError } from '../../shared/opensips/mi.ts';
import type { ReplyOutcome } from '../../shared/protocol/link.ts';

/** How an MI request ended. `outcome`: there was no response. */
export type MiResponse =
  | { readonly result: unknown }
  | { readonly error: MiError }
  | { readonly outcome: ReplyOutcome };

export type MiRequestParams = Readonly<Record<string, string | number | readonly string[]>>;

/** The code for a response that is neither JSON nor `400 Some_error`: OpenSIPS itself has failed. */
const UNREADABLE_RESPONSE_CODE = 500;

/**
 * Returns the datagram of a request.
 * @param id a string, because OpenSIPS passes numbers through a C int (OpenSIPS source)
 */
export function encodeRequest(id: string, method: string, params: MiRequestParams): string {
  // OpenSIPS counts the params, so an empty object is left out.
  const hasParams = Object.keys(params).length > 0;
  return JSON.stringify({ jsonrpc: '2.0', id, method, ...(hasParams ? { params } : {}) });
}

const Envelope = z.object({
  id: z.unknown().optional(),
  result: z.unknown().optional(),
  error: MiError.optional(),
});

/**
 * Decodes a datagram received on the socket of request `id`. `hasRequestId` means that it carried this id, so no other
 * response to the request can follow. Returns undefined if it is the response to another request.
 */
export function decodeResponse(
  text: string,
  id: string,
): { readonly response: MiResponse; readonly hasRequestId: boolean } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { response: { error: parsePlainTextError(text) }, hasRequestId: false };
  }
  const envelope = Envelope.safeParse(json);
  if (!envelope.success) return { response: { error: unreadableResponse(text) }, hasRequestId: false };
  const { id: responseId, result, error } = envelope.data;
  const hasRequestId = responseId === id;
  if (error !== undefined && (hasRequestId || responseId === null || responseId === undefined)) {
    return { response: { error }, hasRequestId };
  }
  return hasRequestId ? { response: { result }, hasRequestId } : undefined;
}

const OUTCOMES: Readonly<Record<ReplyOutcome, string>> = {
  timeout: 'no response in time',
  unreachable: 'nothing listens at its MI address',
  expired: 'the request waited too long to be sent',
  refused: 'the adapter does not allow the command',
};

/** Returns how a request ended without the expected result, as a phrase. */
export function describeResponse(response: MiResponse): string {
  if ('error' in response) return `${response.error.code} ${response.error.message}`;
  return 'outcome' in response ? OUTCOMES[response.outcome] : 'the result has an unknown form';
}

/** Parses `400 Parse_error` or `500 Internal error`. */
function parsePlainTextError(text: string): MiError {
  const [, code, message] = /^(\d{3})\s+(.+?)\s*$/s.exec(text) ?? [];
  return code === undefined || message === undefined
    ? unreadableResponse(text)
    : { code: Number(code), message };
}

function unreadableResponse(text: string): MiError {
  return {
    code: UNREADABLE_RESPONSE_CODE,
    message: `OpenSIPS sent an unreadable response: ${text.slice(0, 200)}`,
  };
}
