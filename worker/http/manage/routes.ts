/** `/v1/manage`: a tenant manages its own keys, origins, webhooks and rules, within the bounds that an administrator has set. @module */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ManagementBounds } from '../../../shared/policy/management-bounds.ts';
import { OwnKeyBody, OwnSettingsChange } from '../../../shared/protocol/admin/manage.ts';
import { AuditQuery, RotateKeyBody } from '../../../shared/protocol/admin/requests.ts';
import type { TenantAuthenticator } from '../../auth/tenant-authenticator.ts';
import { problemResponse } from '../../errors/problem.ts';
import { noKey } from '../../tenant/rejections.ts';
import { generateKey, missingKeySecrets, respondWithKey } from '../admin/new-key.ts';
import { auditPage, readBody, readQuery, respondWith } from '../admin/request-response.ts';
import { createWebhookRoutes } from '../admin/webhooks.ts';
import { authenticateManager, type ManageEnv } from './authentication.ts';

/** The longest body has two lists of 100 patterns and 100 origins of 256 characters. */
const MAX_BODY_BYTES = 65_536;

interface BoundedEnv {
  readonly Bindings: ManageEnv['Bindings'];
  readonly Variables: ManageEnv['Variables'] & { readonly bounds: ManagementBounds };
}

/** Returns the routes, to be mounted at `/v1/manage`. See `authentication.ts` for who may use them. */
export function createManageRoutes(authenticator: TenantAuthenticator): Hono<BoundedEnv> {
  return new Hono<BoundedEnv>()
    .use('*', bodyLimit({ maxSize: MAX_BODY_BYTES, onError: bodyTooLong }))
    .use('*', authenticateManager(authenticator))
    .get('/', async ({ var: { tenant } }) => {
      const view = await tenant.showOwn();
      return view ? Response.json(view) : tenantDeleted();
    })
    .patch('/', async ({ req, var: { actor, tenant } }) => {
      const body = await readBody(OwnSettingsChange, req.raw);
      if (body instanceof Response) return body;
      return respondWith(await tenant.updateOwn(body, actor));
    })

    .get('/keys', async ({ var: { tenant } }) => Response.json({ keys: await tenant.listKeys() }))
    .post('/keys', async ({ env, req, var: { actor, tenant, tenantId } }) => {
      const body = await readBody(OwnKeyBody, req.raw);
      if (body instanceof Response) return body;
      if (!env.KEY_SECRETS) return missingKeySecrets();
      const { role, site = null, scopes } = body;
      const { id, hash, text } = await generateKey({ role, owner: tenantId }, env);
      return respondWithKey(text, await tenant.createKey({ id, hash, role, site, scopes }, actor));
    })
    .delete('/keys/:key', async ({ req, var: { actor, tenant } }) =>
      respondWith(await tenant.revokeKey(req.param('key'), actor)),
    )
    .post('/keys/:key/rotate', async ({ env, req, var: { actor, tenant, tenantId } }) => {
      const body = await readBody(RotateKeyBody, req.raw);
      if (body instanceof Response) return body;
      const old = (await tenant.listKeys()).find(({ id }) => id === req.param('key'));
      if (!old) return respondWith(noKey(req.param('key')));
      if (!env.KEY_SECRETS) return missingKeySecrets();
      const { id, hash, text } = await generateKey({ role: old.role, owner: tenantId }, env);
      return respondWithKey(text, await tenant.rotateKey(old.id, { id, hash }, body.grace, actor));
    })

    .get('/sites', async ({ var: { tenant } }) => {
      const sites = await tenant.listSites();
      return Response.json({ sites: sites.map(({ id, created }) => ({ id, created })) });
    })
    .use('/sites/:site/webhooks/*', async ({ set, var: { tenant } }, next) => {
      const view = await tenant.showOwn();
      if (!view) return tenantDeleted();
      set('bounds', view.bounds);
      return next();
    })
    .route('/sites/:site/webhooks', createWebhookRoutes())

    .get('/audit', async ({ req, var: { tenant } }) => {
      const query = readQuery(AuditQuery, req.query());
      if (query instanceof Response) return query;
      const { limit, before } = query;
      return auditPage(await tenant.listAudit(limit, before, { byKeys: true }), limit);
    });
}

/** The tenant has been deleted since its key was verified. */
function tenantDeleted(): Response {
  return problemResponse(404, 'This tenant does not exist any more. Ask an administrator.');
}

function bodyTooLong(): Response {
  return problemResponse(413, `The body has more than ${MAX_BODY_BYTES} bytes. Send a shorter one.`);
}
