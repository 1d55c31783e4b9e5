/** A command as its own subject sees it: how it stands, and all that was told of it. @module */
import * as z from 'zod';
import { SipStatus } from './jsonrpc.ts';
import { type Command, hasEnded, metadataOf } from './stored-command.ts';

/** The result of CommandGet. Its events are what notifications of it have said, in order. */
export const CommandView = z.object({
  cmd_id: z.string(),
  method: z.string(),
  state: z.enum(['running', 'ended']),
  events: z.array(
    z.object({
      seq: z.number().int(),
      event: z.string(),
      data: z.unknown().optional(),
      error: z
        .object({
          code: z.number().int(),
          message: z.string(),
          sip: SipStatus.optional(),
          opensips: z.object({ code: z.number().int(), message: z.string() }).optional(),
        })
        .optional(),
    }),
  ),
  /** What its client has given to the call. */
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type CommandView = z.infer<typeof CommandView>;

/** Shows a command. */
export function viewOf(command: Command): CommandView {
  const { cmdId, method, told } = command;
  const metadata = metadataOf(command);
  return {
    cmd_id: cmdId,
    method,
    state: hasEnded(command) ? 'ended' : 'running',
    events: [...told],
    ...(metadata === undefined ? {} : { metadata }),
  };
}
