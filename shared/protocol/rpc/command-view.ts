/** A command as its own subject sees it: its state and all its events. @module */
import * as z from 'zod';
import { type Command, hasEnded, metadataOf } from '../../runner/stored-command.ts';
import { SipStatus } from './jsonrpc.ts';

/** The result of CommandGet. Its events equal those in the notifications of the command, in their order. */
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
  metadata: z.record(z.string(), z.unknown()).optional().meta({ description: 'the client’s metadata' }),
});
export type CommandView = z.infer<typeof CommandView>;

export function toCommandView(command: Command): CommandView {
  const { cmdId, method, notifications } = command;
  const metadata = metadataOf(command);
  return {
    cmd_id: cmdId,
    method,
    state: hasEnded(command) ? 'ended' : 'running',
    events: [...notifications],
    ...(metadata === undefined ? {} : { metadata }),
  };
}
