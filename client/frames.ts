/** What the edge says, read: answers and notifications, one or several to a frame. Pure. @module */

/** The error of an answer: its codes are those of docs/protocol.md. */
export interface RpcFailure {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export interface Answer {
  readonly result?: unknown;
  readonly error?: RpcFailure;
}

export type Answered = (answer: Answer) => void;

/** What happens to a command. `Started`, `Refused` and `Lost` are said by this client, all else by the edge. */
export interface Notice {
  readonly event: string;
  readonly data?: unknown;
  readonly error?: RpcFailure;
  readonly seq?: number;
}

export type Fields = Readonly<Record<string, unknown>>;

export type Message =
  | ({ readonly is: 'answer'; readonly id: string } & Answer)
  | { readonly is: 'notification'; readonly method: string; readonly params: Fields };

/** What a request gets that will never be answered. */
export const unanswered: RpcFailure = {
  code: -32013,
  message: 'No answer',
  data: 'the connection was closed',
};

/** The messages of a frame. What is none is left out: a client outlives an edge newer than itself. */
export function readFrame(text: string): Message[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [];
  }
  return (Array.isArray(json) ? json : [json]).flatMap(readMessage);
}

function readMessage(json: unknown): Message[] {
  if (!isFields(json)) return [];
  const { id, method, params, result, error } = json;
  if (typeof method === 'string') {
    return [{ is: 'notification', method, params: isFields(params) ? params : {} }];
  }
  if (isFailure(error)) return [{ is: 'answer', id: String(id), error }];
  return [{ is: 'answer', id: String(id), result }];
}

/** Is it an object, whose members are then to be looked at? */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isFailure(value: unknown): value is RpcFailure {
  return isFields(value) && typeof value['code'] === 'number' && typeof value['message'] === 'string';
}
