/** `/v1/admin`: administers tenants, sites, keys and audit trails, for the admin secret and for administrators. @module */
import { Hono } from 'hono';
import {
  AuditQuery,
  KeyBody,
  RotateKeyBody,
  SiteBody,
  SiteChange,
  TenantBody,
  TenantChange,
  TenantsQuery,
} from '../../../shared/protocol/admin/requests.ts';
import type { SiteDetails } from '../../../shared/protocol/admin/views.ts';
import { quote } from '../../../shared/settings/quote.ts';
import { problemResponse } from '../../errors/problem.ts';
import type { Actor } from '../../tenant/audit.ts';
import { MAX_LISTED_TENANTS } from '../../tenant/directory.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import { switchboardOf } from '../switchboard-client.ts';
import { createAdministratorRoutes } from './administrators.ts';
import { authenticateAdministrator } from './authentication.ts';
import { rejectUnsafeLink } from './dial-url.ts';
import { directoryOf } from './directory.ts';
import { generateKey, missingKeySecrets, respondWithKey } from './new-key.ts';
import { auditPage, readBody, readQuery, respondWith } from './request-response.ts';
import { createWebhookRoutes } from './webhooks.ts';

interface AdminEnv {
  readonly Bindings: Env;
  readonly Variables: {
    readonly actor: Actor;
    readonly tenant: DurableObjectStub<Tenant>;
    readonly tenantId: string;
  };
}

/** Returns the routes, to be mounted at `/v1/admin`. See `authentication.ts` for who may use them. */
export function createAdminRoutes(): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>();
  return routes
    .use('*', authenticateAdministrator)
    .route('/administrators', createAdministratorRoutes())

    .post('/tenants', async ({ env, req, var: { actor } }) => {
      const body = await readBody(TenantBody, req.raw);
      if (body instanceof Response) return body;
      const { id, ...changes } = body;
      const outcome = await tenantOf(env, id).create(id, changes, actor);
      const result = outcome.ok ? 'ok' : outcome.reason;
      await directoryOf(env).recordAudit(actor, 'tenant.create', id, result);
      return respondWith(outcome, 201);
    })
    .get('/tenants', async ({ env, req }) => {
      const query = readQuery(TenantsQuery, req.query());
      if (query instanceof Response) return query;
      const { after = '', deleted } = query;
      const tenants = await directoryOf(env).list({ after, deleted: deleted === 'true' });
      const last = tenants.length === MAX_LISTED_TENANTS ? tenants.at(-1) : undefined;
      return Response.json({ tenants, ...(last ? { next: last.id } : {}) });
    })
    .get('/audit', async ({ env, req }) => {
      const query = readQuery(AuditQuery, req.query());
      if (query instanceof Response) return query;
      return auditPage(await directoryOf(env).listAudit(query.limit, query.before), query.limit);
    })

    .use('/tenants/:tenant/*', async ({ env, req, set }, next) => {
      const id = req.param('tenant');
      // An unlisted tenant has no object, and a request for it must not create one.
      if (!(await directoryOf(env).has(id)))
        return problemResponse(404, 'There is no such tenant. List the tenants to see their ids.');
      set('tenant', tenantOf(env, id));
      set('tenantId', id);
      return next();
    })
    .get('/tenants/:tenant', async ({ var: { tenant } }) => {
      const view = await tenant.show();
      return view
        ? Response.json(view)
        : problemResponse(404, 'There is no such tenant. List the tenants to see their ids.');
    })
    .patch('/tenants/:tenant', async ({ req, var: { actor, tenant } }) => {
      const body = await readBody(TenantChange, req.raw);
      if (body instanceof Response) return body;
      return respondWith(await tenant.update(body, actor));
    })
    .delete('/tenants/:tenant', async ({ env, req, var: { actor, tenant } }) => {
      const id = req.param('tenant');
      const directory = directoryOf(env);
      const outcome = await tenant.delete(actor);
      const result = outcome.ok ? 'ok' : outcome.reason;
      await directory.recordAudit(actor, 'tenant.delete', id, result);
      if (!outcome.ok) await directory.markMissing(id);
      return respondWith(outcome);
    })

    .post('/tenants/:tenant/sites', async ({ env, req, var: { actor, tenant } }) => {
      const body = await readBody(SiteBody, req.raw);
      if (body instanceof Response) return body;
      const unsafe = rejectUnsafeLink(body.link, env);
      if (unsafe) return unsafe;
      const { id, ...changes } = body;
      return respondWith(await tenant.createSite(id, changes, actor), 201);
    })
    .get('/tenants/:tenant/sites', async ({ var: { tenant } }) =>
      Response.json({ sites: await tenant.listSites() }),
    )
    .get('/tenants/:tenant/sites/:site', async ({ env, req, var: { tenant } }) => {
      const id = req.param('site');
      const site = await tenant.showSite(id);
      if (!site)
        return problemResponse(404, `There is no site ${quote(id)}. List the sites to see their ids.`);
      const siteName = `${req.param('tenant')}/${id}`;
      const location = site.location === null ? {} : { locationHint: site.location };
      const switchboard = switchboardOf(env, { siteName, ...location });
      const [usage, health] = await Promise.all([
        switchboard.usage(),
        switchboard.linkHealth(site.link.mode === 'dial' || site.adapters === 'active'),
      ]);
      const link = { setting: site.link, ...health };
      return Response.json({ ...site, usage, link } satisfies SiteDetails);
    })
    .patch('/tenants/:tenant/sites/:site', async ({ env, req, var: { actor, tenant } }) => {
      const body = await readBody(SiteChange, req.raw);
      if (body instanceof Response) return body;
      const unsafe = rejectUnsafeLink(body.link, env);
      if (unsafe) return unsafe;
      return respondWith(await tenant.updateSite(req.param('site'), body, actor));
    })
    .delete('/tenants/:tenant/sites/:site', async ({ req, var: { actor, tenant } }) =>
      respondWith(await tenant.deleteSite(req.param('site'), actor)),
    )

    .post('/tenants/:tenant/keys', async ({ env, req, var: { actor, tenant } }) => {
      const body = await readBody(KeyBody, req.raw);
      if (body instanceof Response) return body;
      if (!env.KEY_SECRETS) return missingKeySecrets();
      const { id, hash, text } = await generateKey({ role: body.role, owner: req.param('tenant') }, env);
      const scopes = body.role === 'api' ? body.scopes : [];
      const key = { id, hash, role: body.role, site: body.site ?? null, scopes };
      return respondWithKey(text, await tenant.createKey(key, actor));
    })
    .get('/tenants/:tenant/keys', async ({ var: { tenant } }) =>
      Response.json({ keys: await tenant.listKeys() }),
    )
    .delete('/tenants/:tenant/keys/:key', async ({ req, var: { actor, tenant } }) =>
      respondWith(await tenant.revokeKey(req.param('key'), actor)),
    )
    .post('/tenants/:tenant/keys/:key/rotate', async ({ env, req, var: { actor, tenant } }) => {
      const body = await readBody(RotateKeyBody, req.raw);
      if (body instanceof Response) return body;
      const old = (await tenant.listKeys()).find(({ id }) => id === req.param('key'));
      if (!old)
        return problemResponse(
          404,
          `There is no key ${quote(req.param('key'))}. List the keys to see their ids.`,
        );
      if (!env.KEY_SECRETS) return missingKeySecrets();
      const { id, hash, text } = await generateKey({ role: old.role, owner: req.param('tenant') }, env);
      return respondWithKey(text, await tenant.rotateKey(old.id, { id, hash }, body.grace, actor));
    })
    .route('/tenants/:tenant/sites/:site/webhooks', createWebhookRoutes())
    .get('/tenants/:tenant/audit', async ({ req, var: { tenant } }) => {
      const query = readQuery(AuditQuery, req.query());
      if (query instanceof Response) return query;
      return auditPage(await tenant.listAudit(query.limit, query.before), query.limit);
    });
}

function tenantOf({ TENANT }: Env, id: string): DurableObjectStub<Tenant> {
  return TENANT.get(TENANT.idFromName(id));
}
