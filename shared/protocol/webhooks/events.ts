/**
 * The events that are sent to webhooks (Standard Webhooks, https://www.standardwebhooks.com): their types, headers and
 * bodies, and the filters of endpoints.
 * @module
 */
import * as z from 'zod';
import { CALL_STATES } from '../../calls/call.ts';
import { compileGlob, isDestinationAllowed } from '../../policy/destinations.ts';
import { AdapterRole } from '../link.ts';
import { Seq } from '../rpc/field-types.ts';

/** Names of methods and events in snake case. There are few of them, and each is needed for many events. */
const snakeCaseNames = new Map<string, string>();

/** Returns a name as event types contain it: `CallStart` as `call_start`. */
function snakeCase(name: string): string {
  const cached = snakeCaseNames.get(name);
  if (cached !== undefined) return cached;
  const converted = name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
  snakeCaseNames.set(name, converted);
  return converted;
}

/** Returns the type of an event of a command, such as `command.call_start.callee_answered`. */
export function commandEventType(method: string, event: string): string {
  return `command.${snakeCase(method)}.${snakeCase(event)}`;
}

/** Returns the type of an event of a call, such as `call.answered`. */
export function callEventType(event: string): string {
  return `call.${snakeCase(event)}`;
}

/** Returns the type of an event of the link to the adapter: `link.up` or `link.down`. */
export function linkEventType(event: string): string {
  return `link.${snakeCase(event)}`;
}

/** The type of test events. They are sent at the request of an administrator, whatever the filters of the endpoint. */
export const TEST_EVENT_TYPE = 'webhook.test';

/** The same fields as in notifications of commands: see `docs/protocol.md`. */
const CommandData = z.object({
  seq: Seq.meta({ description: 'the sequence number of the event: later events have higher ones' }),
  cmd_id: z.string(),
  method: z.string(),
  event: z.string(),
  data: z.unknown().optional(),
  error: z
    .looseObject({ code: z.number().int(), message: z.string() })
    .optional()
    .meta({ description: 'with the event `Error`: as in the notification' }),
  metadata: z.record(z.string(), z.unknown()).optional(),
});

/** A call as clients see it. Times are in Unix milliseconds. */
const CallView = z.looseObject({
  callid: z.string(),
  state: z.enum(CALL_STATES),
  caller: z.string().nullable(),
  callee: z.string().nullable(),
  began: z.number(),
  seq: Seq,
});

const CallData = z.object({ seq: Seq, event: z.string(), call: CallView, data: z.unknown().optional() });
const LinkData = z.object({
  seq: Seq,
  event: z.enum(['Down', 'Up']),
  adapters: z
    .array(AdapterRole)
    .meta({ description: 'those that are connected, active ones first, and those that are lost' }),
});
const TestData = z.object({ endpoint: z.string() });

const timestamp = z.iso.datetime().meta({
  description: 'when the event happened; the header `webhook-timestamp` is when it was sent',
});
const typePattern = (pattern: RegExp) => z.string().regex(pattern);

/** The body of a webhook request. */
export const WebhookPayload = z.union([
  z.object({ type: typePattern(/^command\.[a-z_]+\.[a-z_]+$/), timestamp, data: CommandData }),
  z.object({ type: typePattern(/^call\.[a-z_]+$/), timestamp, data: CallData }),
  z.object({ type: typePattern(/^link\.(up|down)$/), timestamp, data: LinkData }),
  z.object({ type: z.literal(TEST_EVENT_TYPE), timestamp, data: TestData }),
]);
export type WebhookPayload = z.infer<typeof WebhookPayload>;

/** The headers of a webhook request, in lower case. */
export const WebhookHeaders = z.object({
  'content-type': z.literal('application/json'),
  'webhook-id': z.string().meta({ description: 'the same in every attempt to deliver an event' }),
  'webhook-timestamp': z.string().regex(/^\d+$/).meta({
    description: 'when this attempt was made, in Unix seconds. It is signed, to prevent replay attacks',
  }),
  'webhook-signature': z
    .string()
    .regex(/^v1a?,[A-Za-z0-9+/=]+( v1a?,[A-Za-z0-9+/=]+)*$/)
    .meta({
      description:
        'signatures in base64, separated by spaces: `v1,…` and `v1a,…`. For a time after a rotation there are twice as many',
    }),
});

/** An event of a site that is to be delivered. */
export interface WebhookEvent {
  readonly seq: number;
  readonly type: string;
  /** The command or the call of the event. Events with the same key are delivered one after the other. */
  readonly orderingKey: string;
  /** From {@link webhookBody}. */
  readonly body: string;
}

/** The events that an endpoint wants. An empty list stands for all. */
export interface EventFilter {
  readonly events: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Returns a function that tells whether a filter matches an event, given its type and the SIP URIs of its parties. A
 * filter with addresses does not match an event without parties.
 */
export function eventMatcher({
  events,
  addresses,
}: EventFilter): (event: { readonly type: string; readonly addresses: readonly string[] }) => boolean {
  const types = events.map(compileGlob);
  const rules = [{ allow: [...addresses], deny: [] }];
  return (event) => {
    if (types.length > 0 && !types.some((matches) => matches(event.type))) return false;
    return addresses.length === 0 || event.addresses.some((uri) => isDestinationAllowed(uri, rules));
  };
}

/**
 * Returns the body as it is signed and sent: a line of JSON.
 * @param event.at when it happened, in Unix milliseconds
 */
export function webhookBody(event: {
  readonly type: string;
  readonly at: number;
  readonly data: object;
}): string {
  const { type, at, data } = event;
  return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
}
