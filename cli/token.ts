/** `token`: trades an API key for the token of one user. @module */
import { askRoute, failureOf } from './edge.ts';
import { EXIT, type Exit } from './exit.ts';
import type { Printer } from './printer.ts';
import { completed, type Settings } from './settings.ts';

export interface Wish {
  readonly caller?: string | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly expires?: number | undefined;
}

/** Prints the token alone, so that it can be piped; what is said about it goes to stderr. */
export async function mint(
  settings: Settings,
  subject: string,
  { caller, scope, expires }: Wish,
  printer: Printer,
): Promise<Exit> {
  const { site } = settings.edge;
  const { status, body } = await askRoute(settings, '/v1/tokens', {
    subject,
    ...(site === undefined ? {} : { site }),
    ...(scope ? { scopes: scope } : {}),
    ...(caller === undefined ? {} : { caller: completed(caller, settings.domain) }),
    ...(expires === undefined ? {} : { expires_in: expires }),
  });
  const fields = typeof body === 'object' && body !== null ? body : {};
  if (status !== 200 || !('token' in fields)) {
    const detail = 'detail' in fields ? String(fields.detail) : '';
    throw failureOf({ is: 'answer', status, detail }, settings.edge, settings.token);
  }
  printer.object(fields);
  if (!printer.json) printer.result(`${String(fields.token)}\n`);
  if ('expires' in fields && 'scopes' in fields)
    printer.hint(`it holds until ${String(fields.expires)}, for ${String(fields.scopes)}`);
  return EXIT.done;
}
