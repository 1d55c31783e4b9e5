/** `token`: trades an API key for the token of one user. @module */
import { EXIT, type Exit } from '../exit.ts';
import type { Printer } from '../output/printer.ts';
import type { Settings } from '../settings/settings.ts';
import { failureFor, requestRoute } from '../transport/edge-connection.ts';
import { completeAddress } from './argument-parsers.ts';

export interface TokenOptions {
  readonly caller?: string;
  readonly scope?: readonly string[];
  readonly expires?: number;
}

/** Prints the token alone, so that it can be piped; hints about it go to stderr. */
export async function mintToken(
  settings: Settings,
  subject: string,
  { caller, scope, expires }: TokenOptions,
  printer: Printer,
): Promise<Exit> {
  const { site } = settings.edge;
  const { status, body } = await requestRoute(settings, '/v1/tokens', {
    subject,
    ...(site === undefined ? {} : { site }),
    ...(scope ? { scopes: scope } : {}),
    ...(caller === undefined ? {} : { caller: completeAddress(caller, settings.domain) }),
    ...(expires === undefined ? {} : { expires_in: expires }),
  });
  const fields = typeof body === 'object' && body !== null ? body : {};
  if (status !== 200 || !('token' in fields)) {
    const detail = 'detail' in fields ? String(fields.detail) : '';
    throw failureFor({ type: 'refused', status, detail }, settings.edge, settings.token);
  }
  printer.object(fields);
  if (!printer.json) printer.result(`${String(fields.token)}\n`);
  if ('expires' in fields && 'scopes' in fields)
    printer.hint(`it holds until ${String(fields.expires)}, for ${String(fields.scopes)}`);
  return EXIT.done;
}
