/**
 * The HTTP API: each route with what it takes and what it answers. `worker/http/` serves these and no others, and
 * each that asks for a method is that JSON-RPC request and nothing more.
 * @module
 */
import * as z from 'zod';
import { code } from './jsonrpc.ts';
import { CallId, CommandId, type Method, methods, type Query, queries } from './methods.ts';
import { Id, type Scope } from './policy.ts';

/** The session of its subject that whatever comes over HTTP belongs to. */
export const HTTP_SESSION = 'http';

/** Bytes of a body at most; a tenant may allow less (`message_bytes`). */
export const MAX_BODY_BYTES = 65_536;

/** Seconds that a request may wait for a command to end: proxies give up on a silent answer not much later. */
export const MAX_WAIT_S = 60;

/** `Idempotency-Key`: the `cmd_id` of the command that a request starts. */
export const IdempotencyKey = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{1,64}$/, 'takes 1 to 64 of A-Z a-z 0-9 . _ ~ -');

/** What the URL of any route may have. */
const Common = {
  /** For an API key that is for several sites. */
  site: Id.optional(),
  /** A key or a token, for those who can send no header: an `EventSource`. */
  access_token: z.string().optional(),
};

const Position = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Params of CallList, as a URL has them; `state` may be given several times. */
const ListQuery = z.strictObject({
  ...Common,
  ...queries.CallList.shape,
  since: z.coerce.number().min(0).optional(),
  limit: z.coerce.number().pipe(queries.CallList.shape.limit.unwrap()).optional(),
});
const CommandQuery = z.strictObject({
  ...Common,
  /** Seconds to wait for its end before it is told how it stands. */
  wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0),
});
const EventsQuery = z.strictObject({
  ...Common,
  /** The last `seq` that was got; the header `Last-Event-ID` goes before it. */
  since: Position.optional(),
});
const NoQuery = z.strictObject(Common);

const OfCall = z.object({ callid: CallId });
const OfCommand = z.object({ cmd_id: CommandId.min(1) });

/** The params of a method, but for those that stand elsewhere in the request. Others than its own are refused. */
const StartBody = methods.CallStart.omit({ cmd_id: true }).strict();
const HoldBody = methods.CallHold.omit({ cmd_id: true, callid: true }).strict();
const TransferBody = methods.CallBlindTransfer.omit({ cmd_id: true, callid: true }).strict();
const AttendedTransferBody = methods.CallAttendedTransfer.omit({ cmd_id: true, callidA: true }).strict();

/** A route. Every one but `rpc` answers what fails with a {@link Problem}. */
export interface Route {
  readonly verb: 'GET' | 'POST' | 'DELETE';
  /** With `{name}` for each member of `path params`. */
  readonly path: string;
  /** What it does, in a few words. */
  readonly means: string;
  /** The JSON-RPC method that it asks for, whose result it answers with; absent where it has a meaning of its own. */
  readonly asks?: Method | Query;
  /** What the key or the token needs; absent where none is. */
  readonly scope?: Scope;
  readonly params?: z.ZodObject;
  /** The method's name for the Call-ID in the path, where that is not `callid`. */
  readonly callidAs?: 'callidA';
  readonly query: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body may be absent. */
  readonly isBodyOptional?: true;
  /** Takes `Idempotency-Key`; answers with `Location`, where the command can be read. */
  readonly isCommand?: true;
  /** The status where it goes well. */
  readonly status: 200 | 202;
  /** Content type of that answer, where it is not `application/json`. */
  readonly type?: 'text/event-stream';
  /** Statuses of what may go wrong. */
  readonly problems: readonly number[];
}

/** Of a command: 404 is not among them, for a call that nobody knows is found missing by OpenSIPS, in an event. */
const ofCommand = [400, 401, 403, 409, 413, 429, 503] as const;
const ofQuestion = [400, 401, 403, 429] as const;

export const routes = {
  rpc: {
    verb: 'POST',
    path: '/v1/rpc',
    means:
      'Asks for any method but CallWatch, CallUnwatch and Authorize: one JSON-RPC request, or a batch of up to 100',
    query: NoQuery,
    body: z.unknown(),
    status: 200,
    problems: [401, 413],
  },
  start: {
    verb: 'POST',
    path: '/v1/calls',
    means: 'Starts a call',
    asks: 'CallStart',
    scope: 'CallStart',
    query: NoQuery,
    body: StartBody,
    isCommand: true,
    status: 202,
    problems: ofCommand,
  },
  list: {
    verb: 'GET',
    path: '/v1/calls',
    means: 'Lists calls, the newest first; `state` may come several times',
    asks: 'CallList',
    scope: 'read',
    query: ListQuery,
    status: 200,
    problems: ofQuestion,
  },
  get: {
    verb: 'GET',
    path: '/v1/calls/{callid}',
    means: 'Shows a call and what became of it',
    asks: 'CallGet',
    scope: 'read',
    params: OfCall,
    query: NoQuery,
    status: 200,
    problems: [...ofQuestion, 404],
  },
  end: {
    verb: 'DELETE',
    path: '/v1/calls/{callid}',
    means: 'Ends a call, or the one of a CallStart with that `cmd_id`',
    asks: 'CallEnd',
    scope: 'CallEnd',
    params: OfCall,
    query: NoQuery,
    isCommand: true,
    status: 202,
    problems: ofCommand,
  },
  hold: {
    verb: 'POST',
    path: '/v1/calls/{callid}/hold',
    means: 'Holds a call',
    asks: 'CallHold',
    scope: 'CallHold',
    params: OfCall,
    query: NoQuery,
    body: HoldBody,
    isBodyOptional: true,
    isCommand: true,
    status: 202,
    problems: ofCommand,
  },
  unhold: {
    verb: 'POST',
    path: '/v1/calls/{callid}/unhold',
    means: 'Resumes a call',
    asks: 'CallUnhold',
    scope: 'CallUnhold',
    params: OfCall,
    query: NoQuery,
    body: HoldBody,
    isBodyOptional: true,
    isCommand: true,
    status: 202,
    problems: ofCommand,
  },
  transfer: {
    verb: 'POST',
    path: '/v1/calls/{callid}/transfer',
    means: 'Sends a party of a call away',
    asks: 'CallBlindTransfer',
    scope: 'CallBlindTransfer',
    params: OfCall,
    query: NoQuery,
    body: TransferBody,
    isCommand: true,
    status: 202,
    problems: ofCommand,
  },
  attendedTransfer: {
    verb: 'POST',
    path: '/v1/calls/{callid}/attended-transfer',
    means: 'Joins a party of this call, which is `callidA`, and one of another',
    asks: 'CallAttendedTransfer',
    scope: 'CallAttendedTransfer',
    params: OfCall,
    callidAs: 'callidA',
    query: NoQuery,
    body: AttendedTransferBody,
    isCommand: true,
    status: 202,
    problems: ofCommand,
  },
  command: {
    verb: 'GET',
    path: '/v1/commands/{cmd_id}',
    means:
      'Shows a command of the own subject, and all that was told of it so far; with `?wait=30` (seconds, 60 at most) once it has ended, or as it stands by then',
    asks: 'CommandGet',
    params: OfCommand,
    query: CommandQuery,
    status: 200,
    problems: [400, 401, 403, 404, 429, 503],
  },
  events: {
    verb: 'GET',
    path: '/v1/events',
    means:
      'Tells, as Server-Sent Events, all that commands of the own subject are told, and every change of calls',
    scope: 'read',
    query: EventsQuery,
    status: 200,
    type: 'text/event-stream',
    problems: [...ofQuestion, 503],
  },
} as const satisfies Record<string, Route>;

/** Errors of requests: how HTTP says each code. `type` is stable; a page of that name tells what to do. */
export const kinds: Readonly<Record<number, { readonly status: number; readonly type: string }>> = {
  [code.parseError]: { status: 400, type: 'parse-error' },
  [code.invalidRequest]: { status: 400, type: 'invalid-request' },
  [code.methodNotFound]: { status: 404, type: 'method-not-found' },
  [code.invalidParams]: { status: 400, type: 'invalid-params' },
  [code.internalError]: { status: 500, type: 'internal-error' },
  [code.noAdapter]: { status: 503, type: 'no-adapter' },
  [code.notAllowed]: { status: 403, type: 'not-allowed' },
  [code.tooMany]: { status: 429, type: 'too-many' },
  [code.conflict]: { status: 409, type: 'conflict' },
  [code.gone]: { status: 404, type: 'gone' },
};

/** Before each `type`, in a {@link Problem}. */
export const ERRORS = '/docs/errors#';

/** What went wrong (RFC 9457). */
export const Problem = z.object({
  /** A URI of the kind of error, such as `/docs/errors#too-many`; absent where the status says all. */
  type: z.string().optional(),
  title: z.string().optional(),
  status: z.number().int(),
  /** What happened and what to do. */
  detail: z.string(),
  /** As JSON-RPC has it; absent where the request did not get so far. */
  code: z.number().int().optional(),
  /** Of -32003: the limit that was met, … */
  limit: z.string().optional(),
  /** … and seconds until trying again makes sense, as in `Retry-After`. */
  retry_after: z.number().int().optional(),
});
export type Problem = z.infer<typeof Problem>;
