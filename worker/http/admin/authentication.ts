/** Who may use `/v1/admin`: whoever has the admin secret, and administrators as far as their role allows. @module */
import type { MiddlewareHandler } from 'hono';
import { type AdminRole, includesRole, requiredRole } from '../../../shared/policy/admin-roles.ts';
import { quote } from '../../../shared/settings/quote.ts';
import { hashSecret, parseKey } from '../../auth/key-text.ts';
import { timingSafeEqual } from '../../auth/timing-safe-equal.ts';
import { problemResponse } from '../../errors/problem.ts';
import { type Actor, REFUSED_ACTION } from '../../tenant/audit.ts';
import { directoryOf } from './directory.ts';
import { addressOf } from './request-response.ts';

interface AuthenticationEnv {
  readonly Bindings: Env;
  readonly Variables: { readonly actor: Actor };
}

/** An administrator, or whoever has the admin secret: the first administrator, who creates the others. */
interface AuthenticatedAdministrator {
  /** Undefined for the admin secret. */
  readonly name?: string;
  readonly role: AdminRole;
}

/** Sets the actor of a request, or answers 401 or 403. A refused attempt of an administrator is recorded. */
export const authenticateAdministrator: MiddlewareHandler<AuthenticationEnv> = async (
  { env, req, set },
  next,
) => {
  const administrator = await authenticate(req.header('Authorization') ?? '', env);
  if (!administrator) {
    const detail = 'Missing or invalid admin secret or key. Send one as `Authorization: Bearer …`.';
    return problemResponse(401, detail, { 'WWW-Authenticate': 'Bearer' });
  }
  const { name, role } = administrator;
  const actor = { actor: name === undefined ? 'admin' : `admin:${name}`, role, address: addressOf(req.raw) };
  const path = req.path.replace(/^\/v1\/admin/, '');
  const required = requiredRole(req.method, path);
  if (!includesRole(role, required)) {
    const target = `${req.method} ${path}`;
    await directoryOf(env).recordAudit(actor, REFUSED_ACTION, target, `needs the role ${required}`);
    return problemResponse(
      403,
      `${target} needs the role ${quote(required)}, and the administrator ${quote(name ?? '')} has the role ${quote(role)}. Ask an administrator with that role.`,
    );
  }
  set('actor', actor);
  return next();
};

async function authenticate(
  authorization: string,
  env: Env,
): Promise<AuthenticatedAdministrator | undefined> {
  const credential = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  // Compared also where one is missing, so that the duration does not reveal it.
  const isEqual = await timingSafeEqual(credential ?? '', env.ADMIN_SECRET ?? '');
  if (!credential) return undefined;
  if (env.ADMIN_SECRET && isEqual) return { role: 'all' };
  const key = await parseKey(credential, env);
  if (key?.role !== 'admin') return undefined;
  const { owner: name, id } = key;
  const role = await directoryOf(env).authenticate({ name, id, hash: await hashSecret(key.secret) });
  return role === undefined ? undefined : { name, role };
}
