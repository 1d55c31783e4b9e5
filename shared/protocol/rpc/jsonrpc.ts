/**
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification): requests, responses, notifications, error codes, and a parser for
 * the messages of clients.
 * @module
 */
import * as z from 'zod';
import { validate } from '../validation/validate.ts';

/** Error codes. The first five are defined by JSON-RPC (§5.1); the others are this API's own and stable. */
export const errorCode = {
  /** The message is not valid JSON. */
  parseError: -32700,
  /** The message is JSON, but not a valid request. */
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** No adapter is connected, so OpenSIPS cannot be reached. */
  noAdapter: -32001,
  notAllowed: -32002,
  /** A limit is exceeded; `data.retry_after` is the number of seconds to wait. */
  tooMany: -32003,
  /** The `cmd_id` belongs to another command. */
  conflict: -32004,
  /** The call or the command is unknown, or is no longer stored. */
  gone: -32005,
  /** A phone or a proxy has refused; `sip` is its response, if known. Sent in notifications only, like the four below. */
  refused: -32010,
  /** OpenSIPS has rejected the MI command; `sip` or `opensips` says how. */
  miRefused: -32011,
  /** A deadline has passed. */
  timedOut: -32012,
  /** A request was sent but no reply arrived: it may or may not have been carried out. */
  unknown: -32013,
  /** Nothing was carried out and no leg is left; the SIP status is not known. */
  notDone: -32014,
} as const;

/** The status of a SIP response (RFC 3261 §7.2), as errors contain it. */
export const SipStatus = z.object({ status: z.number().int(), reason: z.string() });
export type SipStatus = z.infer<typeof SipStatus>;

/** The member `error` of a response (§5.1). */
export const RpcError = z.object({
  code: z.number().int(),
  message: z.string(),
  data: z.unknown().optional(),
});
export type RpcError = z.infer<typeof RpcError>;

/** The id of a request. `null` if it is unknown, or if the client has chosen `null`. */
export const RpcId = z.union([z.string(), z.number(), z.null()]);
export type RpcId = z.infer<typeof RpcId>;

/** A request. Without an `id` it is a notification, which gets no response (§4.1). */
export const RpcRequest = z.object({
  jsonrpc: z.literal('2.0'),
  id: RpcId.optional(),
  method: z.string(),
  params: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional(),
});
export type RpcRequest = z.infer<typeof RpcRequest>;

export type RpcResponse =
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly result: unknown }
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly error: RpcError };

export interface RpcNotification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params: unknown;
}

/** The most requests in a batch. A larger one is rejected as a whole, so that one message cannot starve other clients. */
export const MAX_BATCH = 100;

/** The most levels of nesting in a request. Deeper ones could be parsed, but not serialized again. */
export const MAX_DEPTH = 100;

/** The requests of a message. Each is either well-formed or has its error response already. */
export interface ParsedMessage {
  /** Whether the response must be a batch as well. */
  readonly isBatch: boolean;
  readonly entries: readonly (RpcRequest | { readonly errorResponse: RpcResponse })[];
}

/** Returns the response with a result. */
export function successResponse(id: RpcId, result: unknown): RpcResponse {
  return { jsonrpc: '2.0', id, result };
}

/** Returns the response with an error. */
export function errorResponse(id: RpcId, error: RpcError): RpcResponse {
  return { jsonrpc: '2.0', id, error };
}

/** Returns a notification to a client. */
export function notification(method: string, params: unknown): RpcNotification {
  return { jsonrpc: '2.0', method, params };
}

/** Returns the schema of a notification (§4.1). */
export function notificationSchema<Params extends z.ZodType>(method: string, params: Params) {
  return z.object({ jsonrpc: z.literal('2.0'), method: z.literal(method), params });
}

/** Parses a text message into requests (§4) or a batch of them (§6). Never throws. */
export function parseMessage(text: string): ParsedMessage {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    const error = {
      code: errorCode.parseError,
      message: 'Parse error',
      data: 'The message is not JSON. Send a JSON-RPC 2.0 request.',
    };
    return rejectedMessage(error);
  }
  if (!Array.isArray(json)) return { isBatch: false, entries: [parseEntry(json)] };
  if (json.length === 0)
    return rejectedMessage(invalidRequest('The batch is empty. Send at least one request.'));
  if (json.length > MAX_BATCH)
    return rejectedMessage(
      invalidRequest(`The batch has ${json.length} requests. Send at most ${MAX_BATCH} at a time.`),
    );
  return { isBatch: true, entries: json.map(parseEntry) };
}

function parseEntry(entry: unknown): ParsedMessage['entries'][number] {
  if (isDeeperThan(entry, MAX_DEPTH)) {
    const error = invalidRequest(
      `The request is nested more than ${MAX_DEPTH} levels deep. Send one with fewer levels.`,
    );
    return { errorResponse: errorResponse(idOf(entry), error) };
  }
  const request = validate(RpcRequest, entry, 'The request');
  if (request.success) return request.data;
  return { errorResponse: errorResponse(idOf(entry), invalidRequest(request.error)) };
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeperThan(each, levels - 1));
}

/** Returns the id of an invalid request; `null` if it has no valid one (§5). */
function idOf(entry: unknown): RpcId {
  if (typeof entry !== 'object' || entry === null || !('id' in entry)) return null;
  const id = RpcId.safeParse(entry.id);
  return id.success ? id.data : null;
}

function invalidRequest(data: string): RpcError {
  return { code: errorCode.invalidRequest, message: 'Invalid Request', data };
}

/** A message of which no request can be read. */
function rejectedMessage(error: RpcError): ParsedMessage {
  return { isBatch: false, entries: [{ errorResponse: errorResponse(null, error) }] };
}
