/** The notifications that belong to no command: changes of calls, the state of the link, gaps in a session, and its end. @module */
import * as z from 'zod';
import { AdapterRole } from '../link.ts';
import { CallEvent, CallEventData, CallView } from './call-view.ts';
import { Seq } from './field-types.ts';
import { notificationSchema } from './jsonrpc.ts';

export const siteNotifications = {
  Call: notificationSchema(
    'Call',
    z.object({ event: CallEvent, seq: Seq, call: CallView, data: CallEventData.optional() }),
  ).meta({ description: 'A call has changed. Sent to clients that watch it' }),
  Link: notificationSchema(
    'Link',
    z.object({
      event: z.enum(['Down', 'Up']),
      seq: Seq,
      adapters: z
        .array(AdapterRole)
        .meta({ description: 'the adapters that are connected, active ones first, and those that are lost' }),
    }),
  ).meta({
    description:
      'An adapter has connected or disconnected, or another one serves the site now. `Up`: one serves the site; `Down`: none. Sent to clients that watch calls',
  }),
  Acknowledge: notificationSchema('Acknowledge', z.object({ token: z.string() })).meta({
    description:
      'Asks a client that has connected with `ack=1` to return the token with the method `Acknowledge`, which proves that it has read everything until here',
  }),
  SessionReset: notificationSchema('SessionReset', z.object({ since: z.number().int() })).meta({
    description: 'Notifications that a resumed session has missed are no longer stored',
  }),
  Closing: notificationSchema(
    'Closing',
    z.object({
      code: z.number().int().meta({ description: 'the code of the Close frame' }),
      reason: z.string().meta({ description: 'the reason in the Close frame' }),
    }),
  ).meta({ description: 'The edge closes this socket. The Close frame follows; close the socket as well' }),
} as const;
