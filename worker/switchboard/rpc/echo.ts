/**
 * Answers Echo. It is over with its answer: no command runs, and nothing is stored, so that nobody can fill a site's storage with it.
 * A `cmd_id` is only returned: it belongs to no stored command, and a repeated Echo is another one.
 * @module
 */
import { echoEvents } from '../../../shared/commands/echo.ts';
import { commandParams } from '../../../shared/protocol/rpc/commands.ts';
import {
  notification,
  type RpcRequest,
  type RpcResponse,
  successResponse,
} from '../../../shared/protocol/rpc/jsonrpc.ts';
import { validate } from '../../../shared/protocol/validation/validate.ts';
import { commandId } from './command-id.ts';
import { invalidParamsResponse } from './dispatch.ts';

const METHOD = 'Echo';

/** The response to an Echo, and the notifications that follow it, as texts. */
export interface EchoAnswer {
  readonly response: RpcResponse;
  readonly notifications: readonly string[];
}

/** Returns whether a request is an Echo. */
export function isEcho({ method }: RpcRequest): boolean {
  return method === METHOD;
}

/**
 * Returns the answer to an Echo: an error without notifications if its `cmd_id` is invalid.
 * @param now in Unix milliseconds
 */
export function answerEcho({ id = null, params = {} }: RpcRequest, now: number): EchoAnswer {
  const checked = validate(commandParams.Echo, params, 'params');
  if (!checked.success) return { response: invalidParamsResponse(id, checked.error), notifications: [] };
  const { cmd_id: givenId = '', ...rest } = checked.data;
  const cmdId = givenId || commandId(now);
  const notifications = echoEvents(rest).map((event) =>
    JSON.stringify(notification(METHOD, { cmd_id: cmdId, ...event })),
  );
  return { response: successResponse(id, { cmd_id: cmdId, event: 'Started' }), notifications };
}
