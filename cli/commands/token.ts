/** `token`: trades an API key for the token of one user. @module */
import { isApiKey } from '../doctor/credential.ts';
import { EXIT, type Exit, Failure } from '../exit.ts';
import type { Printer } from '../output/printer.ts';
import type { Settings } from '../settings/settings.ts';
import { failureFor } from '../transport/connect-error.ts';
import { requestRoute } from '../transport/edge-connection.ts';
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
  const answer = await requestRoute(settings, '/v1/tokens', {
    subject,
    ...(site === undefined ? {} : { site }),
    ...(scope ? { scopes: scope } : {}),
    ...(caller === undefined ? {} : { caller: completeAddress('--caller', caller, settings.domain) }),
    ...(expires === undefined ? {} : { expires_in: expires }),
  });
  const { status, body } = answer;
  const fields = typeof body === 'object' && body !== null ? body : {};
  if (status !== 200 || !('token' in fields)) {
    if (status === 401 && settings.token !== undefined && !isApiKey(settings.token))
      throw new Failure(
        EXIT.notAllowed,
        'Only an API key can be exchanged for a token.',
        'Set CALL_API_TOKEN or --token-file to an API key (ca.…).',
      );
    throw failureFor({ type: 'refused', ...answer }, settings.edge, settings.token);
  }
  await printer.deliver(String(fields.token), fields, 'Repeat the command to get another token.');
  if ('expires' in fields && 'scopes' in fields)
    printer.hint(`The token is valid until ${String(fields.expires)} and allows ${String(fields.scopes)}.`);
  return EXIT.done;
}
