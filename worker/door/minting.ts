/** `POST /v1/tokens`: an API key is traded for a client token. @module */
import { issues } from '../../shared/jsonrpc.ts';
import type { Scope } from '../../shared/policy.ts';
import type { Env } from '../env.ts';
import { problem } from '../problem.ts';
import type { HeldKey, TenantsDoor } from './admission.ts';
import { mintToken } from './tokens.ts';
import type { Refusal } from './visitor.ts';
import { Wish } from './wish.ts';

/** Bytes of the body at most: its longest fields are under a thousand. */
export const MAX_BODY_BYTES = 8_192;

/** Answers with a token, or why there is none. What comes of a key that holds is noted in the tenant's audit trail. */
export async function mint(
  request: Request,
  env: Env,
  door: TenantsDoor,
  now: number = Date.now(),
): Promise<Response | Refusal> {
  const held = await door.key('api', request, env);
  if ('status' in held) return held;
  const body = Wish.safeParse(await json(request));
  if (!body.success) return problem(400, `not a wish for a token: ${issues(body.error)}`);
  const { subject, caller, expires_in } = body.data;
  const site = body.data.site ?? held.admission.site;
  if (site === null) return problem(400, 'site: this key is for several; name one of them');
  const here = body.data.site === undefined ? held : await door.key('api', request, env, site);
  if ('status' in here) return here;
  const scopes = grantable(here, body.data);
  if ('status' in scopes) {
    await note(request, env, here, `${site}/sub:${subject}`, 'not allowed');
    return scopes;
  }

  const { tenant, id } = here;
  // A token counts whole seconds.
  const expires = Math.floor(now / 1_000 + expires_in) * 1_000;
  const bound = caller === undefined ? {} : { caller };
  const claims = { tenant, site, subject: `sub:${subject}`, scopes, key: id, expires, ...bound };
  const token = await mintToken(claims, env, now);
  await note(request, env, here, `${site}/sub:${subject}`, 'ok');
  return Response.json({
    token,
    expires: new Date(expires).toISOString(),
    tenant,
    site,
    subject,
    scopes,
    ...bound,
  });
}

/** What the token may do: never more than its key. */
function grantable({ admission }: HeldKey, { scopes }: Wish): Scope[] | Refusal {
  if (!admission.scopes.includes('tokens'))
    return { status: 403, reason: 'this key may not mint tokens: it lacks the scope tokens' };
  const own = admission.scopes.filter((scope) => scope !== 'tokens');
  const beyond = scopes?.filter((scope) => !own.some((each) => each === scope)) ?? [];
  if (beyond.length > 0) return { status: 403, reason: `scopes: this key itself lacks ${beyond.join(', ')}` };
  return [...new Set(scopes ?? own)];
}

async function note(request: Request, env: Env, { tenant, id }: HeldKey, target: string, outcome: string) {
  const from = request.headers.get('CF-Connecting-IP') ?? 'unknown';
  const deed = { actor: `key:${id}`, from, action: 'token.mint', target, outcome };
  await env.TENANT.get(env.TENANT.idFromName(tenant)).note(deed);
}

/** The body; undefined where it is not JSON. */
async function json(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    return undefined;
  }
}
