/** JSON-RPC over UDP as mi_datagram implements it: from the datagram of a request to that of the reply. @module */
import type { OpenSips } from '../opensips/opensips.ts';
import { CALLOPS_COMMANDS } from './callops-commands.ts';
import { type MiCommand, MiError, matchParams } from './command.ts';
import { findOldName } from './command-names.ts';
import { CORE_COMMANDS } from './core-commands.ts';
import { DIALOG_COMMANDS } from './dialog-commands.ts';
import { EVENT_COMMANDS } from './event-commands.ts';
import { TM_COMMANDS } from './tm-commands.ts';

const COMMANDS: ReadonlyMap<string, MiCommand> = new Map(
  Object.entries({
    ...CORE_COMMANDS,
    ...EVENT_COMMANDS,
    ...TM_COMMANDS,
    ...DIALOG_COMMANDS,
    ...CALLOPS_COMMANDS,
  }),
);

/** Measured on OpenSIPS 3.6.8. It does not truncate a larger reply but sends an error instead. */
const MAX_REPLY_BYTES = 65_457;

/** The plain text replies to a datagram that is not JSON, and in place of a reply that is too large. */
const PARSE_ERROR = '400 Parse_error';
const INTERNAL_ERROR = '500 Internal error';

export type MiRequest = { readonly id: unknown; readonly method: string; readonly params: unknown };

/** Returns the request, or the text of the reply if the datagram is not a request. */
export function parseRequest(datagram: string): MiRequest | string {
  let message: unknown;
  try {
    message = JSON.parse(datagram);
  } catch {
    return PARSE_ERROR;
  }
  const { id, method, params } = Object(message);
  if (typeof method === 'string') return { id, method, params };
  return JSON.stringify({
    jsonrpc: '2.0',
    error: { code: -32600, message: 'Invalid Request' },
    id: id ?? null,
  });
}

/** Runs a request. Resolves with the datagram of the reply, or with undefined if the request has no id. */
export async function handleRequest(
  opensips: OpenSips,
  { id, method, params }: MiRequest,
): Promise<string | undefined> {
  const outcome = await runCommand(opensips, method, params);
  if (id === undefined) return undefined;
  const reply = JSON.stringify({ jsonrpc: '2.0', ...outcome, id });
  return Buffer.byteLength(reply) > MAX_REPLY_BYTES ? INTERNAL_ERROR : reply;
}

async function runCommand(
  opensips: OpenSips,
  method: string,
  params: unknown,
): Promise<{ result: unknown } | { error: unknown }> {
  try {
    const command = COMMANDS.get(method) ?? COMMANDS.get(findOldName(opensips.version, method) ?? '');
    if (command === undefined) throw new MiError(-32601, 'Method not found');
    const result = await command.run(opensips, matchParams(command, opensips.version, params));
    const { replyDelay } = command;
    if (replyDelay !== undefined) await opensips.clock.timeline().wait(opensips.delays[replyDelay]);
    return { result };
  } catch (error) {
    if (!(error instanceof MiError)) throw error;
    const { code, message, data } = error;
    return { error: { code, message, ...(data !== undefined && { data }) } };
  }
}
