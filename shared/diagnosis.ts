/**
 * What can be told of an OpenSIPS by asking it: the MI commands that the Call API needs, and which subscriptions stand.
 * The edge says it to who asks `Diagnose`; the command line's direct mode asks OpenSIPS itself.
 * @module
 */
import * as z from 'zod';

/** Needed MI commands, by the module that brings them; the second name is OpenSIPS 4.0's, where `which` lists no other. */
const NEEDED: readonly (readonly [module: string, command: string, since4: string])[] = [
  ['tm', 't_uac_dlg', 'tm:uac_dlg'],
  ['dialog', 'dlg_list', 'dialog:list'],
  ['dialog', 'dlg_end_dlg', 'dialog:end_dlg'],
  ['callops', 'call_transfer', 'callops:transfer'],
  ['callops', 'call_hold', 'callops:hold'],
  ['callops', 'call_unhold', 'callops:unhold'],
];

/** An MI command that is not there, and the module that would bring it. */
export interface Missing {
  readonly module: string;
  readonly command: string;
}

/** What of it an OpenSIPS lacks, by the result of `which`; undefined where that cannot be read. */
export function missingFrom(which: unknown): Missing[] | undefined {
  const listed = z.array(z.string()).safeParse(which);
  if (!listed.success) return undefined;
  const there = new Set(listed.data);
  return NEEDED.filter(([, command, since4]) => !there.has(command) && !there.has(since4)).map(
    ([module, command]) => ({ module, command }),
  );
}

/** One event that goes to a UDP socket. */
export interface Subscription {
  readonly event: string;
  /** As OpenSIPS has it, `udp:127.0.0.1:5061`. */
  readonly socket: string;
  /** Seconds until it lapses, where the version says it. */
  readonly ttl?: number | undefined;
}

const Subscribers = z.object({
  Events: z.array(
    z.object({
      name: z.string(),
      // Others subscribe too, some without a socket (the script's own).
      Subscribers: z.array(z.object({ socket: z.unknown().optional(), ttl: z.unknown().optional() })),
    }),
  ),
});

/** The subscriptions over UDP that stand, by the result of `subscribers_list`; undefined where that cannot be read. */
export function subscriptionsIn(list: unknown): Subscription[] | undefined {
  const read = Subscribers.safeParse(list);
  if (!read.success) return undefined;
  return read.data.Events.flatMap(({ name, Subscribers: subscribers }) =>
    subscribers.flatMap(({ socket, ttl }) => {
      if (typeof socket !== 'string' || !socket.startsWith('udp:')) return [];
      return typeof ttl === 'number' ? [{ event: name, socket, ttl }] : [{ event: name, socket }];
    }),
  );
}

/** Asked of OpenSIPS for a diagnosis. None of them changes anything. */
export const DIAGNOSTIC_MI = ['uptime', 'which', 'subscribers_list'] as const;
export type DiagnosticMi = (typeof DIAGNOSTIC_MI)[number];

/** Why an MI request has no result: an outcome of the link, or what OpenSIPS answered. */
const Unanswered = z.partialRecord(z.enum(DIAGNOSTIC_MI), z.string());

/** The answer to `Diagnose`. What could not be asked is absent. */
export const DiagnosisResult = z
  .object({
    /** The edge's clock, in Unix milliseconds. */
    time: z.number(),
    link: z.object({
      connected: z.boolean(),
      adapter: z.string().optional(),
      /** Since the adapter connected. */
      seconds: z.number().optional(),
      /** From the edge to the adapter and back, without OpenSIPS. */
      round_trip_ms: z.number().optional(),
    }),
    opensips: z.object({ version: z.string(), next_hop: z.string(), reachable: z.boolean() }).optional(),
    up_since: z.string().optional(),
    missing: z.array(z.object({ module: z.string(), command: z.string() })).optional(),
    /** Of what stands, without the addresses. */
    subscriptions: z.array(z.object({ event: z.string(), ttl: z.number().optional() })).optional(),
    /** Milliseconds since an event of OpenSIPS came; absent where none has since the site's object woke up. */
    last_event_ms: z.number().optional(),
    unanswered: Unanswered,
  })
  .meta({ description: 'what could not be asked is absent; `unanswered` says why' });
export type DiagnosisResult = z.infer<typeof DiagnosisResult>;
