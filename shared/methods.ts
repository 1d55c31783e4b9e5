/**
 * What clients may ask for: each method with the shape of its params. A method is looked up in this list and
 * nowhere else.
 * @module
 */
import * as z from 'zod';
import { parseSipUri } from './sip-uri.ts';

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

/** Taken by every method beside its own params. */
const common = { cmd_id: CommandId.optional() };

/** Seconds that the caller's phone may ring: bounds and default. */
export const CALLER_TIMEOUT = { min: 5, max: 180, default: 60 } as const;

export const methods = {
  CallStart: z.object({
    ...common,
    caller: Uri,
    callee: Uri,
    timeout: Seconds.pipe(z.number().int().min(CALLER_TIMEOUT.min).max(CALLER_TIMEOUT.max)).optional(),
  }),
  /** `callid` may be the `cmd_id` of a CallStart that still runs. */
  CallEnd: z.object({ ...common, callid: CallId }),
  CallHold: z.object({ ...common, callid: CallId }),
  CallUnhold: z.object({ ...common, callid: CallId }),
  CallBlindTransfer: z.object({ ...common, callid: CallId, leg: LegName, destination: Uri }),
  CallAttendedTransfer: z.object({
    ...common,
    callidA: CallId,
    legA: LegName,
    callidB: CallId,
    legB: LegName,
    destination: Uri.optional(),
  }),
  Echo: z.looseObject(common),
} as const;

export type Method = keyof typeof methods;
export type Params<M extends Method> = z.infer<(typeof methods)[M]>;

/** Is it one of ours? `constructor` and its like are not. */
export function isMethod(name: string): name is Method {
  return Object.hasOwn(methods, name);
}
