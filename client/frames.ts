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
  readonly metadata?: Fields;
  readonly seq?: number;
}

export type Fields = Readonly<Record<string, unknown>>;

export type Message =
  | ({ readonly is: 'answer'; readonly id: string } & Answer)
  | { readonly is: 'notification'; readonly method: string; readonly params: Fields };

/** Why a connection is closed for good. */
export type Closed = 'asked' | 'unauthorized' | 'superseded';

/** Why no answer comes: that, or the socket it was asked on was lost, or for too long there was none. */
export type Unheard = Closed | 'lost' | 'late';

const WHY: Readonly<Record<Unheard, string>> = {
  asked: 'the connection was closed',
  unauthorized: 'the token does not hold: come back with another one',
  superseded: 'a newer connection has taken this session up',
  lost: 'the connection was lost',
  late: 'no connection for too long',
};

/** What a request gets that was sent and will never be answered: it may have been done or not. */
export function unanswered(why: Unheard): RpcFailure {
  return { code: -32013, message: 'No answer', data: WHY[why] };
}

/** What a request gets that was never sent. */
export function unsent(why: Unheard): RpcFailure {
  const [code, message] = why === 'unauthorized' ? [-32002, 'Not allowed'] : [-32012, 'Timed out'];
  return { code, message, data: `${WHY[why]}; it was not sent` };
}

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
