/**
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification): the envelopes that clients send and get, and every
 * code that an error may carry.
 * @module
 */
import * as z from 'zod';

/** Error codes. The first five are JSON-RPC's own (§5.1); the rest are ours and stable. */
export const code = {
  /** The message is not JSON. */
  parseError: -32700,
  /** It is JSON, but no request. */
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** No adapter is connected, so nothing reaches OpenSIPS. */
  noAdapter: -32001,
  notAllowed: -32002,
  /** A limit is reached; `data.retry_after` says for how many seconds. */
  tooMany: -32003,
  /** The `cmd_id` is taken by another command. */
  conflict: -32004,
  /** The command or the cursor is no longer kept. */
  gone: -32005,
  /** A phone or a proxy refused; `sip` says how. Told in notifications only, as the four below. */
  refused: -32010,
  /** OpenSIPS refused the MI command; `sip` or `opensips` says how. */
  miRefused: -32011,
  /** A deadline passed. */
  timedOut: -32012,
  /** Asked, but never answered: it may have happened or not. */
  unknown: -32013,
  /** It did not come about, and nothing of it stands; why was lost on the way. */
  notDone: -32014,
} as const;

/** A SIP response as errors carry it: RFC 3261 §7.2. */
export const SipStatus = z.object({ status: z.number().int(), reason: z.string() });
export type SipStatus = z.infer<typeof SipStatus>;

/** The error member of a response (§5.1). */
export const RpcError = z.object({
  code: z.number().int(),
  message: z.string(),
  data: z.unknown().optional(),
});
export type RpcError = z.infer<typeof RpcError>;

/** `null` stands where the id is unknown or the client chose it so. */
export const RpcId = z.union([z.string(), z.number(), z.null()]);
export type RpcId = z.infer<typeof RpcId>;

/** A request; without `id` it is a notification, which gets no answer (§4.1). */
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

/** Requests in one batch; more is refused whole, so that one message cannot starve other clients. */
export const MAX_BATCH = 100;

/** Levels that a request may be nested: what is deeper could be read, but not be written again. */
export const MAX_DEPTH = 100;

/** What a text message holds: requests, each well-formed or already refused, and whether to answer as a batch. */
export interface Parsed {
  readonly batch: boolean;
  readonly entries: readonly (RpcRequest | { readonly refusal: RpcResponse })[];
}

/** Answers with a result. */
export function success(id: RpcId, result: unknown): RpcResponse {
  return { jsonrpc: '2.0', id, result };
}

/** Answers with an error. */
export function failure(id: RpcId, error: RpcError): RpcResponse {
  return { jsonrpc: '2.0', id, error };
}

/** A notification to a client. */
export function notification(method: string, params: unknown): RpcNotification {
  return { jsonrpc: '2.0', method, params };
}

/** Reads a text message as JSON-RPC demands: §4 requests, §6 batches. Never throws. */
export function parseMessage(text: string): Parsed {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused(code.parseError, 'Parse error', 'the message is not JSON');
  }
  if (!Array.isArray(json)) return { batch: false, entries: [parseEntry(json)] };
  if (json.length === 0) return refused(code.invalidRequest, 'Invalid Request', 'the batch is empty');
  if (json.length > MAX_BATCH) {
    return refused(code.invalidRequest, 'Invalid Request', `a batch holds at most ${MAX_BATCH} requests`);
  }
  return { batch: true, entries: json.map(parseEntry) };
}

function parseEntry(entry: unknown): Parsed['entries'][number] {
  if (isDeeper(entry, MAX_DEPTH)) {
    const data = `a request is nested ${MAX_DEPTH} levels deep at most`;
    return { refusal: failure(idOf(entry), { code: code.invalidRequest, message: 'Invalid Request', data }) };
  }
  const request = RpcRequest.safeParse(entry);
  if (request.success) return request.data;
  return {
    refusal: failure(idOf(entry), {
      code: code.invalidRequest,
      message: 'Invalid Request',
      data: issues(request.error),
    }),
  };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}

/** The id of something that is no valid request: `null` where it cannot be told (§5). */
function idOf(entry: unknown): RpcId {
  if (typeof entry !== 'object' || entry === null || !('id' in entry)) return null;
  const id = RpcId.safeParse(entry.id);
  return id.success ? id.data : null;
}

/** What is wrong, in a sentence per member: `caller: not a SIP URI`. */
export function issues(error: z.ZodError): string {
  return error.issues
    .map((issue) => (issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message))
    .join('; ');
}

function refused(errorCode: number, message: string, data: string): Parsed {
  return { batch: false, entries: [{ refusal: failure(null, { code: errorCode, message, data }) }] };
}
