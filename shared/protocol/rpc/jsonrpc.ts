/**
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification): requests, responses, notifications, error codes, and a parser for
 * the messages of clients.
 * @module
 */
import * as z from 'zod';
import { type ExactJson, hasUncommonText, parseExactJson, type RawJson, rawJson } from '../exact-json.ts';
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
/** A {@link RawJson} has the text of an id that would otherwise not be returned as it was sent. */
export type RpcId = z.infer<typeof RpcId> | RawJson;

/** A request. Without an `id` it is a notification, which gets no response (§4.1). */
export const RpcRequest = z.object({
  jsonrpc: z.literal('2.0'),
  id: RpcId.optional(),
  method: z.string(),
  params: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional(),
});
export type RpcRequest = Omit<z.infer<typeof RpcRequest>, 'id'> & { readonly id?: RpcId | undefined };

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

/** Parses a text message into requests (§4) or a batch of them (§6). Never throws. A byte order mark before it is ignored (RFC 8259 §8.1). */
export function parseMessage(message: string): ParsedMessage {
  const text = message.startsWith(BYTE_ORDER_MARK) ? message.slice(1) : message;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return parseErrorOf('The message is not JSON. Send a JSON-RPC 2.0 request.');
  }
  const exact = hasUncommonText(text) ? parseExact(text) : undefined;
  if (!Array.isArray(json)) return { isBatch: false, entries: [parseEntry(json, exact?.value, exact)] };
  if (json.length === 0)
    return rejectedMessage(invalidRequest('The batch is empty. Send at least one request.'));
  if (json.length > MAX_BATCH)
    return rejectedMessage(
      invalidRequest(`The batch has ${json.length} requests. Send at most ${MAX_BATCH} at a time.`),
    );
  const exactEntries = Array.isArray(exact?.value) ? exact.value : [];
  return {
    isBatch: true,
    entries: json.map((entry, index) => parseEntry(entry, exactEntries[index], exact)),
  };
}

/** Returns a message that is not JSON. @param data why, and what to send */
export function parseErrorOf(data: string): ParsedMessage {
  return rejectedMessage({ code: errorCode.parseError, message: 'Parse error', data });
}

/** Returns a message of which no request can be read, although it may be JSON. @param data why, and what to send */
export function invalidMessage(data: string): ParsedMessage {
  return rejectedMessage(invalidRequest(data));
}

const BYTE_ORDER_MARK = '\ufeff';

/** Returns undefined for a message that is nested too deeply for it. */
function parseExact(text: string): ExactJson | undefined {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

/** @param exactEntry the entry with exact numbers */
function parseEntry(
  entry: unknown,
  exactEntry: unknown,
  exact: ExactJson | undefined,
): ParsedMessage['entries'][number] {
  const idText =
    exact && typeof exactEntry === 'object' && exactEntry ? exact.idTextOf(exactEntry) : undefined;
  if (isDeeperThan(entry, MAX_DEPTH)) {
    const error = invalidRequest(
      `The request is nested more than ${MAX_DEPTH} levels deep. Send one with fewer levels.`,
    );
    return { errorResponse: errorResponse(withText(idOf(entry), idText), error) };
  }
  // An id such as 1e400 is valid, although it is no finite double.
  const isInfinite = Math.abs(Number(memberOf(entry, 'id'))) === Number.POSITIVE_INFINITY;
  const request = validate(
    RpcRequest,
    isInfinite && idText !== undefined ? { ...Object(entry), id: 0 } : entry,
    'The request',
  );
  if (!request.success)
    return { errorResponse: errorResponse(withText(idOf(entry), idText), invalidRequest(request.error)) };
  if (!exact) return request.data;
  const { id, params, ...rest } = request.data;
  return {
    ...rest,
    ...(id === undefined ? {} : { id: withText(id, idText) }),
    ...(params === undefined ? {} : { params: exactParams(request.data, memberOf(exactEntry, 'params')) }),
  };
}

/** Returns the id as it was sent, if `JSON.stringify` would write it differently. */
function withText(id: RpcId, text: string | undefined): RpcId {
  return id === null || text === undefined || JSON.stringify(id) === text ? id : (rawJson(text) ?? id);
}

/** Returns params in which that is exact which is returned to clients as it was sent: all of an Echo, and metadata. */
function exactParams({ method, params }: RpcRequest, exact: unknown): RpcRequest['params'] {
  if (Array.isArray(params) || params === undefined) return params;
  return method === 'Echo' ? (exact as RpcRequest['params']) : withExactMetadata(params, exact);
}

/**
 * Returns params with the metadata of other params.
 * @param exact the same params, as `parseJson` returns them
 */
export function withExactMetadata(params: Record<string, unknown>, exact: unknown): Record<string, unknown> {
  return 'metadata' in params ? { ...params, metadata: memberOf(exact, 'metadata') } : params;
}

function memberOf(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeperThan(each, levels - 1));
}

/** Returns the id of an invalid request; `null` if it has no valid one (§5). */
function idOf(entry: unknown): RpcId {
  if (typeof entry !== 'object' || entry === null || !('id' in entry)) return null;
  const { id } = entry;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

function invalidRequest(data: string): RpcError {
  return { code: errorCode.invalidRequest, message: 'Invalid Request', data };
}

/** A message of which no request can be read. */
function rejectedMessage(error: RpcError): ParsedMessage {
  return { isBatch: false, entries: [{ errorResponse: errorResponse(null, error) }] };
}
