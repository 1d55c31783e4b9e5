/** Which messages of clients need OpenSIPS, so that they wait where its adapter must be dialed first. Pure. @module */
import type { Rules } from '../../../shared/policy/policy.ts';
import { commandParams, isCallCommand } from '../../../shared/protocol/rpc/commands.ts';
import type { ParsedMessage } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { validate } from '../../../shared/protocol/validation/validate.ts';
import { type Permissions, rejectReason } from './authorization.ts';
import { isDiagnose } from './diagnosis.ts';
import { isEcho } from './echo.ts';

/** Returns whether a message has a command that is valid and allowed, or a diagnosis. */
export function needsLink({ entries }: ParsedMessage, client: Permissions, rules: readonly Rules[]): boolean {
  return entries.some((entry) => {
    if (isDiagnose(entry)) return true;
    if ('errorResponse' in entry || !isCallCommand(entry.method) || isEcho(entry)) return false;
    const { method, params = {} } = entry;
    const checked = validate(commandParams[method], params, 'params');
    if (!checked.success) return false;
    const { cmd_id: _, ...rest } = checked.data;
    return rejectReason(method, rest, client, rules) === undefined;
  });
}
