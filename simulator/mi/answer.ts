/** From a request's datagram to the reply's: JSON-RPC over UDP as mi_datagram does it (README, MI points 1 and 2). */
import type { Opensips } from '../opensips.ts';
import { CALLOPS } from './callops.ts';
import { type Command, MiError, matchParams } from './command.ts';
import { CORE } from './core.ts';
import { DIALOG } from './dialog.ts';
import { EVI } from './evi.ts';
import { TM } from './tm.ts';

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({ ...CORE, ...EVI, ...TM, ...DIALOG, ...CALLOPS }),
);

/** The largest reply in bytes (README, MI point 1). */
const LARGEST_REPLY = 65_457;

/** A datagram that is not JSON, and a reply that is too large, are answered in plain text. */
const PARSE_ERROR = '400 Parse_error';
const INTERNAL_ERROR = '500 Internal error';

/** A JSON-RPC request. */
export type MiRequest = { readonly id: unknown; readonly method: string; readonly params: unknown };

/** A request, or the text that is answered to what is none. */
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

/** Resolves with the reply's datagram; with undefined where none is due, since the request had no id. */
export async function answer(
  opensips: Opensips,
  { id, method, params }: MiRequest,
): Promise<string | undefined> {
  const outcome = await run(opensips, method, params);
  if (id === undefined) return undefined;
  const reply = JSON.stringify({ jsonrpc: '2.0', ...outcome, id });
  return Buffer.byteLength(reply) > LARGEST_REPLY ? INTERNAL_ERROR : reply;
}

async function run(
  opensips: Opensips,
  method: string,
  params: unknown,
): Promise<{ result: unknown } | { error: unknown }> {
  try {
    const command = COMMANDS.get(method);
    if (command === undefined) throw new MiError(-32601, 'Method not found');
    const result = await command.run(opensips, matchParams(command, opensips.version, params));
    if (command.takes !== undefined) await opensips.clock.timeline().pass(opensips.gaps[command.takes]);
    return { result };
  } catch (error) {
    if (!(error instanceof MiError)) throw error;
    const { code, message, data } = error;
    return { error: { code, message, ...(data !== undefined && { data }) } };
  }
}
