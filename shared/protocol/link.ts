/**
 * The protocol of the link between edge and adapter: JSON text frames over a WebSocket that the adapter opens. A frame is
 * one message or an array of messages. Replies, events and gaps have a sequence number within the adapter's `stream` and
 * are replayed until they are acknowledged, so that the edge applies each exactly once and in order.
 * @module
 */
import * as z from 'zod';
import { ByeEvent, DialogEvent, HoldEvent, RefusedEvent, TransferEvent } from '../opensips/evi.ts';
import { InDialogSupport } from '../opensips/in-dialog.ts';
import { MiError } from '../opensips/mi.ts';
import { ListParams } from './dialog-list.ts';
import { Features, Software, VersionRange } from './link-negotiation.ts';
import { validate } from './validation/validate.ts';

/** The adapter sends this text. The platform responds with {@link PONG} without waking the object. */
export const PING = 'ping';
export const PONG = 'pong';
export const PING_INTERVAL_MS = 10_000;
/** The link is down after this time without a ping: two and a half intervals. */
export const PING_TIMEOUT_MS = 25_000;

/**
 * The longest frame of an adapter, in characters. The edge stores its content in rows of 2 MB. Adapters send frames of up
 * to 256 Ki characters, and no message is longer than the UDP datagram in it, 64 KiB.
 */
export const MAX_FRAME_LENGTH = 512 * 1024;

/** WebSocket close codes. 4000 to 4999 are for applications (RFC 6455 §7.4.2). */
export const closeCode = {
  /** The peer has violated the protocol. */
  protocol: 4400,
  /** The key was revoked, the token has expired, or the site was deleted. */
  unauthorized: 4401,
  /** The peers have no version of the link protocol in common. */
  version: 4406,
  /** A newer socket of the same adapter, or of the same session, replaces this one. */
  superseded: 4408,
  /** The site has as many adapters as it may have. */
  occupied: 4409,
  /** An adapter's message is too large. */
  tooLarge: 4413,
  /** A client does not read what it is sent. Adapters never get this code, and clients never the one above. */
  notReading: 4413,
  /** The client has continued to send far beyond its rate limit. */
  flood: 4429,
} as const;

const Seq = z.number().int().min(0);

/** The OpenSIPS of an adapter. */
export const OpenSipsStatus = z.object({
  // The lengths are limited because the adapter's socket attachment has these fields, and the platform limits it to 16 KiB.
  version: z
    .string()
    .max(1_024)
    .meta({ description: 'the result of the MI command `version`; empty until MI has replied' }),
  next_hop: z.string().max(1_024).meta({
    description: 'the SIP address through which first legs pass the routing script: `SIP_NEXT_HOP`',
  }),
  reachable: z.boolean().meta({ description: 'whether MI replies' }),
  in_dialog: InDialogSupport.optional().meta({
    description:
      'which requests within a call the adapter sends; absent: none, so the commands of callops are used',
  }),
  match_param: z.string().max(64).optional().meta({
    description: 'the URI parameter by which callops recognizes the new call of a transfer; absent: `osid`',
  }),
  set_up_from: z.enum(['caller', 'callee']).optional().meta({
    description: 'the party in From of the INVITE to the caller’s phone; absent: `callee`',
  }),
  transport: z.string().max(16).optional().meta({
    description: 'the transport that SIP addresses without one get, such as `tcp`; absent: none',
  }),
});
export type OpenSipsStatus = z.infer<typeof OpenSipsStatus>;

/** What an adapter does for its site: the active one serves it, and a standby waits to take over. */
export const Role = z.enum(['active', 'standby']);
export type Role = z.infer<typeof Role>;

/** An adapter of a site, as `Link` notifications show it. */
export const AdapterRole = z.object({
  adapter: z.string().meta({ description: 'its name' }),
  role: z.enum([...Role.options, 'lost']).meta({
    description:
      '`active` serves the site, a `standby` waits to take over, and `lost` is the adapter of calls that was connected until now',
  }),
  version: z.string().optional().meta({ description: 'its release; absent from one of 0.2.0' }),
  reachable: z.boolean().meta({ description: 'whether MI of its OpenSIPS replies' }),
});
export type AdapterRole = z.infer<typeof AdapterRole>;

/** An adapter of a site, as the health of the site shows it. */
export const AdapterState = AdapterRole.extend({
  node: z.string().optional().meta({ description: 'the version of Node.js that it runs on' }),
  seconds: z.number().int().meta({ description: 'since it connected' }),
});
export type AdapterState = z.infer<typeof AdapterState>;

/** The first message on each socket, from the adapter. */
export const Hello = z.object({
  type: z.literal('hello'),
  /** The lowest version that the adapter speaks: an edge of 0.2.0 knows no ranges, and accepts its own version only. */
  version: z.number().int(),
  /** Absent from an adapter of 0.2.0: `version` only. */
  versions: VersionRange.optional(),
  features: Features.optional(),
  software: Software.optional(),
  /** The name of the adapter, which is the same across restarts. */
  adapter: z.string().min(1).max(128),
  /** Random for each process of the adapter. */
  stream: z.string().min(1).max(64),
  /** The oldest sequence number without acknowledgment; the next one if there is none. The first is 1. */
  base: Seq,
  opensips: OpenSipsStatus,
});

/**
 * Sent instead of `hello` by `--check` of the adapter: which versions the edge speaks. Nothing about the site changes, so it can be
 * asked while an adapter is connected. An edge of 0.2.0 rejects it with {@link closeCode}.protocol.
 */
export const Check = z.object({
  type: z.literal('check'),
  version: z.number().int(),
  versions: VersionRange,
  software: Software,
});

/** Why an MI request has no reply of OpenSIPS. With `timeout` it may have run; with the others it has not. */
export const ReplyOutcome = z.enum(['expired', 'refused', 'unreachable', 'timeout']);
export type ReplyOutcome = z.infer<typeof ReplyOutcome>;

/** The reply to an MI request: a result or an error of OpenSIPS, or an outcome. */
export const Reply = z.object({
  type: z.literal('reply'),
  seq: Seq,
  id: z.string(),
  result: z.unknown().optional(),
  error: MiError.optional(),
  outcome: ReplyOutcome.optional(),
});
export type Reply = z.infer<typeof Reply>;

const eventFields = {
  type: z.literal('event'),
  seq: Seq,
  /** When the adapter received it, in Unix milliseconds of its own clock. */
  at: z.number(),
};
export const EventMessage = z.discriminatedUnion('name', [
  TransferEvent.extend(eventFields),
  HoldEvent.extend(eventFields),
  DialogEvent.extend(eventFields),
  RefusedEvent.extend(eventFields),
  ByeEvent.extend(eventFields),
]);

/** Messages or events may have been lost. */
export const GapMessage = z.object({ type: z.literal('gap'), seq: Seq, reason: z.string() });

/** The OpenSIPS of the adapter has changed since `hello`. It has no number, because only the newest one matters. */
export const StatusMessage = z.object({ type: z.literal('status'), opensips: OpenSipsStatus });

/** The adapter shuts down. It has sent all its numbered messages. */
export const Goodbye = z.object({ type: z.literal('goodbye') });

/**
 * The adapter is about to stop: if a standby waits, that one takes over, and the replies that are under way still count. The edge
 * answers with {@link RoleMessage}. Only for an edge with the feature `release`.
 */
export const Release = z.object({ type: z.literal('release') });

/** Discriminated by `type`, because a plain union tries every schema, which took several times as long. */
export const AdapterMessage = z.discriminatedUnion('type', [
  Reply,
  EventMessage,
  GapMessage,
  Hello,
  StatusMessage,
  Goodbye,
  Release,
  Check,
]);
export type AdapterMessage = z.infer<typeof AdapterMessage>;

/**
 * The response to `hello`: replay the messages after `applied`. For a stream that the edge does not know, `applied` is
 * `base` - 1.
 */
export const Welcome = z.object({
  type: z.literal('welcome'),
  /** The version that is used on this connection. */
  version: z.number().int(),
  /** Absent from an edge of 0.2.0: `version` only. */
  versions: VersionRange.optional(),
  features: Features.optional(),
  software: Software.optional(),
  stream: z.string(),
  applied: z.number().int(),
  /** Absent: active. An adapter of 0.2.0 does not know it, and works as a standby as well: it gets no requests. */
  role: Role.optional(),
  /** When it was sent, in Unix milliseconds of the edge's clock. */
  sent_at: z.number().int().optional(),
});
export type Welcome = z.infer<typeof Welcome>;

/** The response to `check`. Then the edge closes the socket. */
export const Checked = z.object({
  type: z.literal('checked'),
  version: z.number().int(),
  versions: VersionRange,
  software: Software,
  /** The name of the adapter that is connected; absent: none. */
  adapter: z.string().optional(),
});
export type Checked = z.infer<typeof Checked>;

/**
 * Requests an MI command, which runs at most once for each `id`. It must end within `ttl_ms` of its arrival, and its reply is awaited
 * for `timeout_ms`. With a `ttl_ms` of 0 it is not run: the reply is `expired`, or the one that the request has had before.
 */
export const MiRequest = z.object({
  type: z.literal('mi'),
  id: z.string(),
  method: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number()])),
  timeout_ms: z.number().int(),
  ttl_ms: z.number().int(),
  /** It must be sent to OpenSIPS within this time of its arrival. Absent: within `ttl_ms`. Adapters of 0.2.0 ignore it. */
  send_within_ms: z.number().int().optional(),
  /**
   * When it was sent, in Unix milliseconds of the edge's clock, so that the adapter notices how long it was on its way. Only for a
   * request that must not be late: one that lets a phone ring, or changes a call.
   */
  sent_at: z.number().int().optional(),
  /** No command and no client waits for the reply, so it may be sent as late as an event that nobody waits for. */
  may_wait: z.boolean().optional(),
});
export type MiRequest = z.infer<typeof MiRequest>;

/** Requests that a phone gets a request within its dialog: see `opensips/in-dialog.ts`. Like {@link MiRequest} in all else. */
export const InDialogMessage = z.object({
  ...MiRequest.shape,
  type: z.literal('in-dialog'),
  method: z.enum(['refer', 'hold', 'probe']),
});
export type InDialogMessage = z.infer<typeof InDialogMessage>;

/**
 * Requests changes of the list of dialogs: see `dialog-list.ts`. Only for an adapter with the feature `list`. Like {@link MiRequest} in
 * all else.
 */
export const ListMessage = z.object({
  ...MiRequest.shape,
  type: z.literal('list'),
  method: z.literal('changes'),
  params: ListParams,
});
export type ListMessage = z.infer<typeof ListMessage>;

/** The edge has stored all numbered messages up to `seq`. */
export const Ack = z.object({ type: z.literal('ack'), seq: z.number().int() });

/** The role of the adapter from now on. Only for an adapter with the feature `role`. */
export const RoleMessage = z.object({ type: z.literal('role'), role: Role });

/**
 * What has changed in the calls that commands or clients wait for: events of the others may wait for a moment, so that they share frames.
 * Only for an adapter with the feature `interest`, which knows nothing when it connects.
 */
export const InterestMessage = z.object({
  type: z.literal('interest'),
  /** Whether clients watch all calls. Absent: as before. */
  all: z.boolean().optional(),
  /** Call-IDs for which commands wait from now on, and for which none does any more. */
  add: z.array(z.string()).optional(),
  remove: z.array(z.string()).optional(),
});
export type InterestMessage = z.infer<typeof InterestMessage>;

export const EdgeMessage = z.discriminatedUnion('type', [
  Welcome,
  MiRequest,
  InDialogMessage,
  ListMessage,
  Ack,
  RoleMessage,
  InterestMessage,
]);
export type EdgeMessage = z.infer<typeof EdgeMessage>;

/** Parses a frame: a message or an array of messages. One invalid message invalidates the frame. */
export function parseFrame<T>(schema: z.ZodType<T>, text: string): { messages: T[] } | { error: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { error: 'The frame is not JSON.' };
  }
  const messages: T[] = [];
  for (const entry of Array.isArray(json) ? json : [json]) {
    const message = validate(schema, entry, 'The message');
    if (!message.success) return { error: message.error };
    messages.push(message.data);
  }
  return { messages };
}
