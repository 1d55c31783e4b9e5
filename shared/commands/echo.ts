/** Echo: sends the params back. It is over at once, so it has no state machine, and nothing of it is stored. @module */
import type { CommandParams } from '../protocol/rpc/commands.ts';

/**
 * Returns the events of an Echo, in their order.
 * @param params without `cmd_id`
 */
export function echoEvents(
  params: Omit<CommandParams<'Echo'>, 'cmd_id'>,
): readonly { readonly event: string; readonly data?: unknown }[] {
  return [{ event: 'Reply', data: params }, { event: 'Ended' }];
}
