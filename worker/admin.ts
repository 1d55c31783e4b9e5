/** `/v1/admin`: tenants, sites, keys and the audit trail, for whoever has the deployment's admin secret. @module */
import { Hono } from 'hono';
import { answer, by, check, read } from './administration.ts';
import { formatKey, hashSecret } from './door/api-keys.ts';
import { sameSecret } from './door/same-secret.ts';
import type { Env } from './env.ts';
import { problem } from './problem.ts';
import type { Entry } from './tenant/audit.ts';
import {
  KeyBody,
  ListQuery,
  RotateBody,
  SiteBody,
  SiteChange,
  TenantBody,
  TenantChange,
  TrailQuery,
} from './tenant/bodies.ts';
import { DIRECTORY, type Directory, LISTED_TOGETHER } from './tenant/directory.ts';
import type { Outcome } from './tenant/outcome.ts';
import type { Tenant } from './tenant/tenant.ts';
import { webhooks } from './webhooks/routes.ts';

/** Bytes of a key's secret: as long as the MAC beside it. */
const SECRET_BYTES = 32;

/** Bytes of a key's id. It is no secret; 64 bits do not meet twice among the keys of a tenant. */
const ID_BYTES = 8;

interface Context {
  readonly Bindings: Env;
  readonly Variables: { readonly tenant: DurableObjectStub<Tenant> };
}

/** The routes, to be mounted at `/v1/admin`. Each is behind `Authorization: Bearer` and the admin secret. */
export function admin(): Hono<Context> {
  const routes = new Hono<Context>();
  return routes
    .use('*', async ({ env, req }, next) => {
      const given = /^Bearer +(\S+)$/i.exec(req.header('Authorization') ?? '')?.[1];
      // Compared also where one is missing, so that neither shows in how long it takes.
      const right = await sameSecret(given ?? '', env.ADMIN_SECRET ?? '');
      if (given && env.ADMIN_SECRET && right) return next();
      const detail = 'an administrator is needed: send the admin secret as Authorization: Bearer';
      return problem(401, detail, { 'WWW-Authenticate': 'Bearer' });
    })

    .post('/tenants', async ({ env, req }) => {
      const body = await read(TenantBody, req.raw);
      if (body instanceof Response) return body;
      const { id, ...changes } = body;
      const directory = directoryOf(env);
      const fresh = await directory.add(id);
      const outcome = await tenantOf(env, id).create(id, changes, by(req.raw));
      if (!outcome.ok && fresh) await directory.drop(id);
      await directory.note(by(req.raw), 'tenant.create', id, outcome.ok ? 'ok' : outcome.reason);
      return answer(outcome, 201);
    })
    .get('/tenants', async ({ env, req }) => {
      const query = check(ListQuery, req.query());
      if (query instanceof Response) return query;
      const { after = '', deleted } = query;
      const tenants = await directoryOf(env).list({ after, deleted: deleted === 'true' });
      const last = tenants.length === LISTED_TOGETHER ? tenants.at(-1) : undefined;
      return Response.json({ tenants, ...(last ? { next: last.id } : {}) });
    })
    .get('/audit', async ({ env, req }) => {
      const query = check(TrailQuery, req.query());
      if (query instanceof Response) return query;
      return page(await directoryOf(env).trail(query.limit, query.before), query.limit);
    })

    .use('/tenants/:tenant/*', async ({ env, req, set }, next) => {
      const id = req.param('tenant');
      // A name that is not listed has no object, and asking about it makes none.
      if (!(await directoryOf(env).has(id))) return problem(404, 'there is no such tenant; list them to see');
      set('tenant', tenantOf(env, id));
      return next();
    })
    .get('/tenants/:tenant', async ({ var: { tenant } }) => {
      const view = await tenant.show();
      return view ? Response.json(view) : problem(404, 'there is no such tenant; list them to see');
    })
    .patch('/tenants/:tenant', async ({ req, var: { tenant } }) => {
      const body = await read(TenantChange, req.raw);
      if (body instanceof Response) return body;
      return answer(await tenant.change(body, by(req.raw)));
    })
    .delete('/tenants/:tenant', async ({ env, req, var: { tenant } }) => {
      const id = req.param('tenant');
      const directory = directoryOf(env);
      const outcome = await tenant.delete(by(req.raw));
      await directory.note(by(req.raw), 'tenant.delete', id, outcome.ok ? 'ok' : outcome.reason);
      await directory.drop(id);
      return answer(outcome);
    })

    .post('/tenants/:tenant/sites', async ({ req, var: { tenant } }) => {
      const body = await read(SiteBody, req.raw);
      if (body instanceof Response) return body;
      const { id, ...changes } = body;
      return answer(await tenant.createSite(id, changes, by(req.raw)), 201);
    })
    .get('/tenants/:tenant/sites', async ({ var: { tenant } }) =>
      Response.json({ sites: await tenant.sites() }),
    )
    .patch('/tenants/:tenant/sites/:site', async ({ req, var: { tenant } }) => {
      const body = await read(SiteChange, req.raw);
      if (body instanceof Response) return body;
      return answer(await tenant.changeSite(req.param('site'), body, by(req.raw)));
    })
    .delete('/tenants/:tenant/sites/:site', async ({ req, var: { tenant } }) =>
      answer(await tenant.deleteSite(req.param('site'), by(req.raw))),
    )

    .post('/tenants/:tenant/keys', async ({ env, req, var: { tenant } }) => {
      const body = await read(KeyBody, req.raw);
      if (body instanceof Response) return body;
      if (!env.KEY_SECRETS) return noRing();
      const { id, hash, text } = await newKey({ role: body.role, tenant: req.param('tenant') }, env);
      const scopes = body.role === 'api' ? body.scopes : [];
      const key = { id, hash, role: body.role, site: body.site ?? null, scopes };
      return withKey(text, await tenant.createKey(key, by(req.raw)));
    })
    .get('/tenants/:tenant/keys', async ({ var: { tenant } }) => Response.json({ keys: await tenant.keys() }))
    .delete('/tenants/:tenant/keys/:key', async ({ req, var: { tenant } }) =>
      answer(await tenant.revokeKey(req.param('key'), by(req.raw))),
    )
    .post('/tenants/:tenant/keys/:key/rotate', async ({ env, req, var: { tenant } }) => {
      const body = await read(RotateBody, req.raw);
      if (body instanceof Response) return body;
      const old = (await tenant.keys()).find(({ id }) => id === req.param('key'));
      if (!old) return problem(404, `there is no key ${req.param('key')}; list the keys to see their ids`);
      if (!env.KEY_SECRETS) return noRing();
      const { id, hash, text } = await newKey({ role: old.role, tenant: req.param('tenant') }, env);
      return withKey(text, await tenant.rotateKey(old.id, { id, hash }, body.grace, by(req.raw)));
    })
    .route('/tenants/:tenant/sites/:site/webhooks', webhooks())
    .get('/tenants/:tenant/audit', async ({ req, var: { tenant } }) => {
      const query = check(TrailQuery, req.query());
      if (query instanceof Response) return query;
      return page(await tenant.trail(query.limit, query.before), query.limit);
    });
}

function directoryOf({ DIRECTORY: namespace }: Env): DurableObjectStub<Directory> {
  return namespace.get(namespace.idFromName(DIRECTORY));
}

function tenantOf({ TENANT }: Env, id: string): DurableObjectStub<Tenant> {
  return TENANT.get(TENANT.idFromName(id));
}

/** Makes a key: its text is given to the administrator and to nobody else, its hash to the tenant. */
async function newKey(of: { role: 'api' | 'adapter'; tenant: string }, env: Env) {
  const id = Array.from(randomBytes(ID_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const secret = btoa(String.fromCharCode(...randomBytes(SECRET_BYTES)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
  return { id, hash: await hashSecret(secret), text: await formatKey({ ...of, id, secret }, env) };
}

function noRing(): Response {
  return problem(503, 'this deployment can make no keys: give it the secret KEY_SECRETS first');
}

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** The only time that a key is shown. */
function withKey<T>(key: string, outcome: Outcome<T>): Response {
  return answer(outcome.ok ? { ...outcome, value: { ...outcome.value, key } } : outcome, 201);
}

function page(entries: readonly Entry[], limit: number): Response {
  const last = entries.length === limit ? entries.at(-1) : undefined;
  return Response.json({ entries, ...(last ? { next: last.n } : {}) });
}
