/**
 * The link between edge and adapter: JSON text frames over a WebSocket that the adapter dials; a frame is one
 * message or an array of them. Replies, events and gaps carry a sequence number within the adapter's `stream`
 * and are replayed until acknowledged, so each is applied once and in order.
 * @module
 */
import * as z from 'zod';
import { DialogEvent, HoldEvent, TransferEvent } from './evi.ts';
import { MiError } from './mi.ts';

/** Spoken version. An edge that speaks another closes with {@link closeCode}.version. */
export const LINK_VERSION = 1;

/** The adapter sends this text and the platform answers {@link PONG} without waking the object. */
export const PING = 'ping';
export const PONG = 'pong';
/** Milliseconds between pings. */
export const PING_INTERVAL_MS = 10_000;
/** Without a ping for so long, in milliseconds, the link is dead: two and a half intervals. */
export const DEAD_AFTER_MS = 25_000;

/**
 * Characters of an adapter's frame at most; the edge stores what it says in rows of 2 MB. An adapter sends frames of
 * 256 Ki, and no message is longer than the UDP datagram that it brings, 64 KiB.
 */
export const MAX_FRAME_LENGTH = 512 * 1024;

/** WebSocket close codes of ours (4000 to 4999 are for applications, RFC 6455 §7.4.2). */
export const closeCode = {
  /** The other end said something that the protocol does not know. */
  protocol: 4400,
  /** The key was revoked, the token has expired, or the site was deleted. */
  unauthorized: 4401,
  version: 4406,
  /** A newer socket of the same adapter, or of the same session, has taken over. */
  superseded: 4408,
  /** Another adapter serves the site. */
  occupied: 4409,
  /** The message is larger than is taken. */
  tooLarge: 4413,
  /** A client has gone on sending far beyond its limit, whatever it was answered. */
  flood: 4429,
} as const;

const Seq = z.number().int().min(0);

/** What the adapter knows of its OpenSIPS. */
export const OpenSips = z.object({
  // Bounded, since they stand with the adapter's socket, where the platform takes 16 KiB.
  /** As `version` answers; empty while MI has not answered yet. */
  version: z.string().max(1_024),
  /** The SIP address through which a first leg passes the routing script: `SIP_NEXT_HOP`. */
  next_hop: z.string().max(1_024),
  /** Does MI answer? */
  reachable: z.boolean(),
});
export type OpenSips = z.infer<typeof OpenSips>;

/** The first message on each socket. */
export const Hello = z.object({
  type: z.literal('hello'),
  version: z.number().int(),
  /** The adapter's own name, the same across restarts. */
  adapter: z.string().min(1).max(128),
  /** Random for each start of the process. */
  stream: z.string().min(1).max(64),
  /** The oldest sequence number that is not acknowledged; what comes next where all are. The first is 1. */
  base: Seq,
  opensips: OpenSips,
});

/** An MI request's end. `expired`, `refused` and `unreachable`: it was not run. `timeout`: its fate is unknown. */
export const Outcome = z.enum(['expired', 'refused', 'unreachable', 'timeout']);
export type Outcome = z.infer<typeof Outcome>;

export const Reply = z.object({
  type: z.literal('reply'),
  seq: Seq,
  id: z.string(),
  result: z.unknown().optional(),
  error: MiError.optional(),
  outcome: Outcome.optional(),
});
export type Reply = z.infer<typeof Reply>;

const event = {
  type: z.literal('event'),
  seq: Seq,
  /** When the adapter got it, in milliseconds of its own clock (Unix time). */
  at: z.number(),
};
export const Event = z.discriminatedUnion('name', [
  TransferEvent.extend(event),
  HoldEvent.extend(event),
  DialogEvent.extend(event),
]);

export const Gap = z.object({ type: z.literal('gap'), seq: Seq, reason: z.string() });

/** Tells that what `hello` said of OpenSIPS has changed. Not numbered: only the newest counts. */
export const Status = z.object({ type: z.literal('status'), opensips: OpenSips });

/** The adapter stops for good; its numbered messages are all sent. */
export const Goodbye = z.object({ type: z.literal('goodbye') });

/** Told apart by their `type`: trying one shape after the other took several times as long. */
export const FromAdapter = z.discriminatedUnion('type', [Reply, Event, Gap, Hello, Status, Goodbye]);
export type FromAdapter = z.infer<typeof FromAdapter>;

/** The answer to `hello`: replay what comes after `applied`; `base` - 1 for a stream that the edge does not know. */
export const Welcome = z.object({
  type: z.literal('welcome'),
  version: z.number().int(),
  stream: z.string(),
  applied: z.number().int(),
});

/**
 * Run an MI command, at most once for each `id`. It is not started later than `ttl_ms` after its arrival, nor
 * waited for longer than `timeout_ms`.
 */
export const Mi = z.object({
  type: z.literal('mi'),
  id: z.string(),
  method: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number()])),
  timeout_ms: z.number().int(),
  ttl_ms: z.number().int(),
});
export type Mi = z.infer<typeof Mi>;

/** All numbered messages up to `seq` are stored. */
export const Ack = z.object({ type: z.literal('ack'), seq: z.number().int() });

export const FromEdge = z.discriminatedUnion('type', [Welcome, Mi, Ack]);
export type FromEdge = z.infer<typeof FromEdge>;

/** Reads a frame: a message or an array of them. */
export function parseFrame<T>(schema: z.ZodType<T>, text: string): { messages: T[] } | { error: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { error: 'the frame is not JSON' };
  }
  const messages: T[] = [];
  for (const entry of Array.isArray(json) ? json : [json]) {
    const message = schema.safeParse(entry);
    if (!message.success)
      return { error: `not a message of this protocol: ${z.prettifyError(message.error)}` };
    messages.push(message.data);
  }
  return { messages };
}
