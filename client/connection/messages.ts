/** Parses the frames of the edge into JSON-RPC responses and notifications, one or several per frame. Pure. @module */

/** A JSON-RPC error object. docs/protocol.md lists the codes. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export interface RpcResponse {
  readonly result?: unknown;
  readonly error?: RpcError;
}

export type ResponseCallback = (response: RpcResponse) => void;

/** An event of a command. The client itself adds `Started`, `Refused` and `Lost`; the edge sends all others. */
export interface CommandUpdate {
  readonly event: string;
  readonly data?: unknown;
  readonly error?: RpcError;
  readonly metadata?: JsonObject;
  readonly seq?: number;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export interface RpcNotification {
  readonly method: string;
  readonly params: JsonObject;
}

export type Message = RpcNotification | (RpcResponse & { readonly id: string });

/** Returns the messages of a frame. Skips anything else, so that the client keeps working with a newer edge. */
export function parseFrame(text: string): Message[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [];
  }
  return (Array.isArray(json) ? json : [json]).flatMap(parseMessage);
}

/** Returns the code with which the edge announces in a frame that it closes the socket; undefined if it does not. */
export function announcedCloseCode(text: string): number | undefined {
  // Most frames are spared the second parsing.
  if (!text.includes('"Closing"')) return undefined;
  for (const message of parseFrame(text))
    if ('method' in message && message.method === 'Closing') return Number(message.params['code']);
  return undefined;
}

function parseMessage(json: unknown): Message[] {
  if (!isJsonObject(json)) return [];
  const { id, method, params, result, error } = json;
  if (typeof method === 'string') return [{ method, params: isJsonObject(params) ? params : {} }];
  return [{ id: String(id), ...(isRpcError(error) ? { error } : { result }) }];
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isRpcError(value: unknown): value is RpcError {
  return isJsonObject(value) && typeof value['code'] === 'number' && typeof value['message'] === 'string';
}
