/**
 * What clients may ask for: each method with the shape of its params. A method is looked up in this list and
 * nowhere else. What `.meta()` says stands in every document that is made of it; `x-added` marks what OpenSIPS's own
 * Call API does not have.
 * @module
 */
import * as z from 'zod';
import { CALL_STATES } from './calls.ts';
import { DisplayName, HEADER_LIMITS, MAX_DISPLAY, OwnHeaders } from './sip-text.ts';
import { MAX_URI_LENGTH, parseSipUri } from './sip-uri.ts';

/** Not in OpenSIPS's own Call API, and optional to know. */
const added = { 'x-added': true } as const;

/** A SIP URI that may be dialled. What the pattern lets through is parsed as well. */
export const Uri = z
  .string()
  .superRefine((text, context) => {
    const uri = parseSipUri(text);
    if ('refused' in uri) context.addIssue({ code: 'custom', message: uri.refused });
  })
  .meta({
    description:
      'A SIP URI (RFC 3261 §19.1), without headers (`?…`) and without the parameters `method` and `maddr`',
    pattern: '^[sS][iI][pP][sS]?:[^?]+$',
    maxLength: MAX_URI_LENGTH,
    examples: ['sip:alice@example.com', 'sip:+15550100@10.0.0.11:5060;transport=tcp'],
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
  )
  .meta({ description: 'The Call-ID of a call', examples: ['5c2572635a67bd58', 'a84b4c76e66710@10.0.0.10'] });

export const LegName = z.enum(['caller', 'callee']).meta({ description: 'A party of a call' });

/** The client's own name for a command; `''` is none. */
export const CommandId = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{0,64}$/, 'up to 64 of A-Z a-z 0-9 . _ ~ -')
  .meta({
    description:
      'The client’s own name for the command, by which it may be asked for again without being run twice',
    examples: ['b8179f1e-4f6b-4c4e-8d60-0f5f8f4b6f0a'],
  });

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
export const Metadata = z
  .record(z.string(), z.unknown())
  .refine(
    (given) => bytesOf(JSON.stringify(given)) <= MAX_METADATA,
    `takes up to ${MAX_METADATA} bytes of JSON`,
  )
  .meta({
    description: `An object of the client’s own, up to ${MAX_METADATA.toLocaleString('en')} bytes of JSON, told with every notification of the command and of its calls`,
    examples: [{ ticket: 7 }],
    ...added,
  });

/** Taken by every method beside its own params; Echo gives all but the `cmd_id` back. */
const name = { cmd_id: CommandId.optional() };
const common = { ...name, metadata: Metadata.optional() };

/** Seconds that the caller's phone may ring: bounds and default. */
export const CALLER_TIMEOUT = { min: 5, max: 180, default: 60 } as const;

export const methods = {
  CallStart: z
    .object({
      ...common,
      caller: Uri.meta({ description: 'SIP URI of who dials: this phone rings first' }),
      callee: Uri.meta({ description: 'SIP URI of who is dialled' }),
      timeout: Seconds.pipe(z.number().int().min(CALLER_TIMEOUT.min).max(CALLER_TIMEOUT.max))
        .optional()
        .meta({
          description: `how many seconds the caller may ring, ${CALLER_TIMEOUT.min} to ${CALLER_TIMEOUT.max}; ${CALLER_TIMEOUT.default} where not given`,
          minimum: CALLER_TIMEOUT.min,
          maximum: CALLER_TIMEOUT.max,
          ...added,
        }),
      display: DisplayName.optional().meta({
        description: 'the name that the caller’s phone shows',
        minLength: 1,
        maxLength: MAX_DISPLAY,
        ...added,
      }),
      auto_answer: YesOrNo.optional().meta({
        description: '`true`: the caller’s phone is asked to answer by itself',
        ...added,
      }),
      headers: OwnHeaders.optional().meta({
        description: '`X-` headers of the INVITE to the caller’s phone',
        propertyNames: { pattern: '^X-[A-Za-z0-9-]{1,40}$' },
        maxProperties: HEADER_LIMITS.count,
        examples: [{ 'X-Ticket': '4711' }],
        ...added,
      }),
    })
    .meta({
      description: 'Dials: rings the caller’s phone and, once it has answered, sends it to the callee',
    }),
  CallEnd: z
    .object({
      ...common,
      callid: CallId.meta({
        description:
          'a Call-ID, or the `cmd_id` of a CallStart: one that still runs is ended, and so is the call that it has made',
      }),
    })
    .meta({ description: 'Ends a call, or a CallStart that still runs' }),
  CallHold: holding('Puts a call on hold'),
  CallUnhold: holding('Resumes a call'),
  CallBlindTransfer: z
    .object({
      ...common,
      callid: CallId.meta({ description: 'the call' }),
      leg: LegName.meta({ description: '`caller` or `callee`: who is sent away' }),
      destination: Uri.meta({ description: 'SIP URI of where to' }),
    })
    .meta({ description: 'Sends a party of a call to another address' }),
  CallAttendedTransfer: z
    .object({
      ...common,
      callidA: CallId.meta({ description: 'one call' }),
      legA: LegName.meta({ description: '`caller` or `callee`: who is sent away from it' }),
      callidB: CallId.meta({ description: 'another call' }),
      legB: LegName.meta({ description: '`caller` or `callee`: whom that one gets to speak with there' }),
      destination: Uri.optional().meta({
        description: 'SIP URI of that one, if it is not to be taken from the call',
      }),
    })
    .meta({ description: 'Connects a party of one call with a party of another' }),
  Echo: z
    .looseObject(name)
    .meta({ description: 'Sends its params back. It reaches nothing but the edge, and needs no scope' }),
} as const;

/** CallHold and CallUnhold take the same. */
function holding(description: string) {
  return z
    .object({
      ...common,
      callid: CallId.meta({ description: 'the call' }),
      leg: LegName.optional().meta({
        description:
          '`caller` or `callee`: that one alone. It needs OpenSIPS 4.0, and beside an older one is refused with -32602 before anything is sent',
        ...added,
      }),
    })
    .meta({ description });
}

/** Calls to a page of CallList: at most, and where nothing is said. */
export const LISTED = { max: 500, default: 100 } as const;

const State = z.enum(CALL_STATES);
const Position = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What clients may ask that is answered at once, from what the edge knows. */
export const queries = {
  CallList: z
    .object({
      state: z
        .union([State, z.array(State).min(1).max(CALL_STATES.length)])
        .optional()
        .meta({ description: 'one state, or an array of them' }),
      address: z
        .string()
        .min(1)
        .max(MAX_URI_LENGTH)
        .optional()
        .meta({
          description: 'a SIP URI, or its `user@host`, of either party',
          examples: ['alice@example.com'],
        }),
      since: z.number().min(0).optional().meta({ description: 'those that began then or later, in Unix ms' }),
      limit: z
        .number()
        .int()
        .min(1)
        .max(LISTED.max)
        .default(LISTED.default)
        .meta({ description: `1 to ${LISTED.max}, ${LISTED.default} where not given` }),
      cursor: z
        .string()
        .regex(/^\d{1,15}$/, 'not a cursor: give the one of the answer before')
        .optional()
        .meta({ description: 'that of the answer before, for the next page' }),
    })
    .meta({ description: 'Lists calls, the newest first', ...added }),
  CallGet: z
    .object({ callid: CallId.meta({ description: 'the call' }) })
    .meta({ description: 'A call, with what has happened to it', ...added }),
  CallWatch: z
    .object({
      callid: CallId.optional().meta({
        description: 'this call alone, of which a socket may watch up to 16; without it, all of the site',
      }),
      since: Position.optional().meta({ description: 'the `seq` that the client has got last' }),
    })
    .meta({ description: 'The calls that stand, and from then on every change', ...added }),
  CallUnwatch: z
    .object({ callid: CallId.optional().meta({ description: 'the call, if it was watched alone' }) })
    .meta({ description: 'Watches no more', ...added }),
  CommandGet: z
    .object({
      cmd_id: CommandId.min(1).meta({
        description: 'of a command of one’s own subject, whatever the scopes',
      }),
    })
    .meta({ description: 'A command, running or ended, and all that was told of it', ...added }),
} as const;

/** Unlike the methods of commands, `Authorize` needs no scope and has no `cmd_id`. */
export const AUTHORIZE = 'Authorize';

/** Longer than any token. */
const LONGEST_TOKEN = 8_192;

export const AuthorizeParams = z
  .object({
    token: z
      .string()
      .min(1)
      .max(LONGEST_TOKEN)
      .meta({ description: 'a fresh one of the same tenant, site and subject, for the socket that asks' }),
  })
  .meta({
    description: 'Gives a fresh token on a live socket, before the one that it came with expires',
    ...added,
  });

/** Answers what a client may ask for (OpenRPC §Service Discovery Method). It needs no scope. */
export const DISCOVER = 'rpc.discover';

export const DiscoverParams = z
  .object({})
  .meta({ description: 'The OpenRPC document of this very service', ...added });

/** Asks OpenSIPS through the link how it stands; so it is answered when that has answered. */
export const DIAGNOSE = 'Diagnose';

export const DiagnoseParams = z.object({}).meta({
  description: 'How the link, OpenSIPS and its subscriptions stand; for a key or token of no single caller',
  ...added,
});

/** Answered on a socket only: what they bring about stays with it, or comes to it later. */
export const OF_SOCKETS: readonly string[] = ['CallWatch', 'CallUnwatch', AUTHORIZE, DIAGNOSE];

/** Whatever a client may ask for, by name. */
export const NAMES: readonly string[] = [
  ...Object.keys(methods),
  ...Object.keys(queries),
  AUTHORIZE,
  DIAGNOSE,
  DISCOVER,
];

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
