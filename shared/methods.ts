/**
 * What clients may ask for: each method with the shape of its params. A method is looked up in this list and
 * nowhere else.
 * @module
 */
import * as z from 'zod';
import { CALL_STATES } from './calls.ts';
import { DisplayName, OwnHeaders } from './sip-text.ts';
import { MAX_URI_LENGTH, parseSipUri } from './sip-uri.ts';

/** A SIP URI that may be dialled. */
export const Uri = z.string().superRefine((text, context) => {
  const uri = parseSipUri(text);
  if ('refused' in uri) context.addIssue({ code: 'custom', message: uri.refused });
});

/**
 * RFC 3261 §25.1: `callid = word ["@" word]`. So no space, comma or control character reaches MI. Real ones
 * are well under 256 characters.
 */
export const CallId = z
  .string()
  .max(256)
  .regex(
    /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+(@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+)?$/,
    'not a Call-ID',
  );

const LegName = z.enum(['caller', 'callee']);

/** The client's own name for a command; `''` is none. */
export const CommandId = z.string().regex(/^[A-Za-z0-9._~-]{0,64}$/, 'up to 64 of A-Z a-z 0-9 . _ ~ -');

/** A string of digits is taken too, because upstream's clients can send strings only. */
const Seconds = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);

/** As words too, because upstream's clients can send strings only. */
const YesOrNo = z.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')]);

/** Bytes of JSON that {@link Metadata} may take. */
const MAX_METADATA = 2_048;

/** How long a text is in UTF-8. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** What a client gives to a call, to be told with each of its notifications. */
const Metadata = z
  .record(z.string(), z.unknown())
  .refine(
    (given) => bytesOf(JSON.stringify(given)) <= MAX_METADATA,
    `takes up to ${MAX_METADATA} bytes of JSON`,
  );

/** Taken by every method beside its own params; Echo gives all but the `cmd_id` back. */
const name = { cmd_id: CommandId.optional() };
const common = { ...name, metadata: Metadata.optional() };

/** Seconds that the caller's phone may ring: bounds and default. */
export const CALLER_TIMEOUT = { min: 5, max: 180, default: 60 } as const;

export const methods = {
  CallStart: z.object({
    ...common,
    caller: Uri,
    callee: Uri,
    timeout: Seconds.pipe(z.number().int().min(CALLER_TIMEOUT.min).max(CALLER_TIMEOUT.max)).optional(),
    /** The name that the caller's phone shows. */
    display: DisplayName.optional(),
    /** Asks the caller's phone to answer by itself. */
    auto_answer: YesOrNo.optional(),
    /** `X-` headers of the INVITE to the caller's phone. */
    headers: OwnHeaders.optional(),
  }),
  /** `callid` may be the `cmd_id` of a CallStart that still runs. */
  CallEnd: z.object({ ...common, callid: CallId }),
  /** `leg`: only that one; OpenSIPS has it from 4.0 on. */
  CallHold: z.object({ ...common, callid: CallId, leg: LegName.optional() }),
  CallUnhold: z.object({ ...common, callid: CallId, leg: LegName.optional() }),
  CallBlindTransfer: z.object({ ...common, callid: CallId, leg: LegName, destination: Uri }),
  CallAttendedTransfer: z.object({
    ...common,
    callidA: CallId,
    legA: LegName,
    callidB: CallId,
    legB: LegName,
    destination: Uri.optional(),
  }),
  Echo: z.looseObject(name),
} as const;

/** Calls to a page of CallList: at most, and where nothing is said. */
export const LISTED = { max: 500, default: 100 } as const;

const State = z.enum(CALL_STATES);
const Position = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What clients may ask that is answered at once, from what the edge knows. */
export const queries = {
  CallList: z.object({
    /** Calls in this state, or in one of these. */
    state: z.union([State, z.array(State).min(1).max(CALL_STATES.length)]).optional(),
    /** Of either party: a SIP URI, or its `user@host`. */
    address: z.string().min(1).max(MAX_URI_LENGTH).optional(),
    /** Those that began then or later, in Unix milliseconds. */
    since: z.number().min(0).optional(),
    limit: z.number().int().min(1).max(LISTED.max).default(LISTED.default),
    /** From the answer before. */
    cursor: z
      .string()
      .regex(/^\d{1,15}$/, 'not a cursor: give the one of the answer before')
      .optional(),
  }),
  CallGet: z.object({ callid: CallId }),
  /** All calls of the site, or one; `since` is the `seq` that the client has got last. */
  CallWatch: z.object({ callid: CallId.optional(), since: Position.optional() }),
  CallUnwatch: z.object({ callid: CallId.optional() }),
  /** A command of one's own subject, running or ended: how it stands, and all that was told of it. */
  CommandGet: z.object({ cmd_id: CommandId.min(1) }),
} as const;

/** Answered on a socket only: what they bring about stays with it. */
export const OF_SOCKETS: readonly string[] = ['CallWatch', 'CallUnwatch', 'Authorize'];

export type Query = keyof typeof queries;
export type QueryParams<Q extends Query> = z.infer<(typeof queries)[Q]>;

/** Is it answered at once? */
export function isQuery(name: string): name is Query {
  return Object.hasOwn(queries, name);
}

export type Method = keyof typeof methods;
export type Params<M extends Method> = z.infer<(typeof methods)[M]>;

/** Is it one of ours? `constructor` and its like are not. */
export function isMethod(name: string): name is Method {
  return Object.hasOwn(methods, name);
}
