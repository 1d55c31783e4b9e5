/**
 * Webhooks on the wire: what an endpoint is told (Standard Webhooks, https://www.standardwebhooks.com), and what
 * an administrator asks and is shown. Pure.
 * @module
 */
import * as z from 'zod';
import { CALL_STATES } from './calls.ts';
import { glob, mayDial } from './destinations.ts';
import { Pattern } from './policy.ts';

/** So many endpoints may a site have: the platform lets an object wait for the answers of six requests at once. */
export const MOST_ENDPOINTS = 5;

/** Longest time that a secret still signs beside its successor, in seconds: 7 days. */
export const LONGEST_OVERLAP_S = 7 * 86_400;

const Seq = z.number().int().min(0);
const Time = z.iso.datetime();

/** Names of methods and events as they stand in types. They are few, and each is met with everything that happens. */
const snakes = new Map<string, string>();

/** `CallStart` as it stands in a type: `call_start`. */
function snake(name: string): string {
  const known = snakes.get(name);
  if (known !== undefined) return known;
  const made = name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
  snakes.set(name, made);
  return made;
}

/** The type of what a command has told its client, such as `command.call_start.callee_answered`. */
export function commandType(method: string, event: string): string {
  return `command.${snake(method)}.${snake(event)}`;
}

/** The type of a change of a call, such as `call.answered`. */
export function callType(event: string): string {
  return `call.${snake(event)}`;
}

/** The type of what became of the link to the adapter: `link.up`, `link.down`. */
export function linkType(event: string): string {
  return `link.${snake(event)}`;
}

/** Sent on an administrator's wish only, whatever the endpoint's filters say. */
export const TEST_TYPE = 'webhook.test';

/** As `docs/protocol.md` has it of notifications of commands. */
const CommandData = z.object({
  /** The site's number of it: what has a higher one came later. */
  seq: Seq,
  cmd_id: z.string(),
  method: z.string(),
  event: z.string(),
  data: z.unknown().optional(),
  error: z
    .looseObject({ code: z.number().int(), message: z.string() })
    .optional()
    .describe('Of an Error: as in the notification'),
  metadata: z.record(z.string(), z.unknown()).optional(),
});

/** A call as clients see it; times in Unix milliseconds. */
const CallView = z.looseObject({
  callid: z.string(),
  state: z.enum(CALL_STATES),
  caller: z.string().nullable(),
  callee: z.string().nullable(),
  began: z.number(),
  seq: Seq,
});

const CallData = z.object({
  seq: Seq,
  event: z.string(),
  call: CallView,
  data: z.unknown().optional(),
});

const LinkData = z.object({ seq: Seq, event: z.enum(['Down', 'Up']) });

const typed = (pattern: RegExp) => z.string().regex(pattern);

/** The body of a webhook. `timestamp` says when it happened; the header `webhook-timestamp` when it was sent. */
export const WebhookPayload = z.union([
  z.object({ type: typed(/^command\.[a-z_]+\.[a-z_]+$/), timestamp: Time, data: CommandData }),
  z.object({ type: typed(/^call\.[a-z_]+$/), timestamp: Time, data: CallData }),
  z.object({ type: typed(/^link\.(up|down)$/), timestamp: Time, data: LinkData }),
  z.object({ type: z.literal(TEST_TYPE), timestamp: Time, data: z.object({ endpoint: z.string() }) }),
]);
export type WebhookPayload = z.infer<typeof WebhookPayload>;

/** The headers of a webhook, in small letters. */
export const WebhookHeaders = z.object({
  'content-type': z.literal('application/json'),
  /** The same for each try of the same event. */
  'webhook-id': z.string(),
  /** When this try was made, in Unix seconds: it is signed, so that an old one cannot be sent anew. */
  'webhook-timestamp': z.string().regex(/^\d+$/),
  /** With a space between, `v1,` and `v1a,` with a signature in base64 each; twice as many after a rotation. */
  'webhook-signature': z.string().regex(/^v1a?,[A-Za-z0-9+/=]+( v1a?,[A-Za-z0-9+/=]+)*$/),
});

const TypePattern = z
  .string()
  .max(64)
  .regex(/^[a-z_.*]+$/, 'a type such as call.ended, in which * is any run of characters: call.*');

const fields = {
  url: z
    .url({ protocol: /^https?$/, hostname: /./ })
    .max(2_048)
    .refine(isPlain, {
      message: 'takes no user, password or fragment in it; the signature says who sends',
    })
    .meta({ examples: ['https://hooks.example/calls'] }),
  description: z
    .string()
    .max(256)
    .regex(/^\P{Cc}*$/u, 'takes no control characters')
    .optional(),
  /** Which types; all, if none is given. */
  events: z.array(TypePattern).min(1).max(50).optional(),
  /** Only what is about one of these, compared with `user@host` as rules are; all, if none is given. */
  addresses: z.array(Pattern).max(100).optional(),
  /** Nothing is sent while it is not; what waits is kept. */
  enabled: z.boolean().optional(),
};

export const EndpointBody = z.strictObject(fields);
export type EndpointBody = z.infer<typeof EndpointBody>;
export const EndpointChange = z
  .strictObject({ ...fields, url: fields.url.optional() })
  .refine((body) => Object.values(body).some((value) => value !== undefined), {
    message: `nothing is to be changed: give one of ${Object.keys(fields).join(', ')}`,
  });
export type EndpointChange = z.infer<typeof EndpointChange>;

/** For so many seconds the old secret signs as well; a day, if nothing is said. */
export const RotateSecretBody = z.strictObject({
  grace: z.number().int().min(0).max(LONGEST_OVERLAP_S).default(86_400),
});

/** What an administrator sees of an endpoint. */
export const EndpointView = z.object({
  id: z.string(),
  url: z.string(),
  description: z.string(),
  events: z.array(z.string()),
  addresses: z.array(z.string()),
  enabled: z.boolean(),
  /** Why it was disabled, where the edge did that. */
  disabled_because: z.string().nullable(),
  created: Time,
  /** By which `v1a` signatures are verified, the newest first: no secret. */
  public_keys: z.array(z.string()),
  /** It has asked (`Retry-After`) for nothing before. */
  quiet_until: Time.nullable(),
  /** So many numbers of the site (`seq`) are yet to be looked at for it, whether they have anything that it wants or not. */
  behind: z.number().int(),
  /** Deliveries that are not over, that have failed for good, and that found no room. */
  waiting: z.number().int(),
  failed: z.number().int(),
  dropped: z.number().int(),
});
export type EndpointView = z.infer<typeof EndpointView>;

/** With the secret by which `v1` signatures are verified: the only time that it is shown. */
export const EndpointWithSecret = EndpointView.extend({ secret: z.string().startsWith('whsec_') });
export type EndpointWithSecret = z.infer<typeof EndpointWithSecret>;

export const DELIVERY_STATES = ['waiting', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** A page of deliveries; as text, since it comes in the URL. */
export const DeliveriesQuery = z.strictObject({
  state: z.enum(DELIVERY_STATES).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  before: z.coerce.number().int().min(1).optional(),
});
export type DeliveriesQuery = z.infer<typeof DeliveriesQuery>;

/** One try. */
export const Attempt = z.object({
  at: Time,
  /** How long it took, in milliseconds. */
  ms: z.number().int(),
  /** What the receiver answered; absent where it did not. */
  status: z.number().int().optional(),
  /** Why that is not enough. */
  error: z.string().optional(),
});
export type Attempt = z.infer<typeof Attempt>;

export const DeliveryView = z.object({
  /** Its number in the log of its site. */
  n: z.number().int(),
  /** The header `webhook-id`. */
  webhook_id: z.string(),
  type: z.string(),
  state: z.enum(DELIVERY_STATES),
  created: Time,
  next_try: Time.nullable(),
  attempts: z.array(Attempt),
});
export type DeliveryView = z.infer<typeof DeliveryView>;

/** Something that happened at a site, as it is to be delivered. */
export interface HookEvent {
  readonly seq: number;
  readonly type: string;
  /** The command or the call whose it is: of each, one comes after the other. */
  readonly about: string;
  /** See {@link bodyOf}. */
  readonly body: string;
}

/** Which events an endpoint wants. An empty list wants all. */
export interface Filter {
  readonly events: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Says of an event, by its type and the SIP URIs of those whom it is about, whether it is wanted. What is about nobody is
 * wanted only by who does not ask for addresses.
 */
export function wanting({
  events,
  addresses,
}: Filter): (event: { readonly type: string; readonly addresses: readonly string[] }) => boolean {
  const types = events.map(glob);
  const rules = [{ allow: [...addresses], deny: [] }];
  return (event) => {
    if (types.length > 0 && !types.some((matches) => matches(event.type))) return false;
    return addresses.length === 0 || event.addresses.some((uri) => mayDial(uri, rules));
  };
}

/**
 * The body, as it is signed and sent: a line of JSON.
 * @param of when it happened, in Unix milliseconds, and what
 */
export function bodyOf({
  type,
  at,
  data,
}: {
  readonly type: string;
  readonly at: number;
  readonly data: object;
}): string {
  return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
}

/** A path or a query may follow the host; nothing stands before it. */
function isPlain(text: string): boolean {
  return /^https?:\/\/[^/?#@\\\s]+(?:[/?][^#\\\s]*)?$/i.test(text);
}
