/** `…/sites/:site/webhooks` of administrators and tenants: manages the endpoints of a site and their deliveries. @module */
import { Hono } from 'hono';
import { isHostWithin, type ManagementBounds } from '../../../shared/policy/management-bounds.ts';
import { isSpecialHost } from '../../../shared/policy/special-addresses.ts';
import { showValue } from '../../../shared/protocol/validation/validate.ts';
import { DeliveriesQuery } from '../../../shared/protocol/webhooks/deliveries.ts';
import {
  EndpointBody,
  EndpointChange,
  RotateSecretBody,
} from '../../../shared/protocol/webhooks/endpoints.ts';
import { quote } from '../../../shared/settings/quote.ts';
import { problemResponse } from '../../errors/problem.ts';
import { type Outcome, type Rejection, reject } from '../../objects/outcome.ts';
import type { Actor } from '../../tenant/audit.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import type { Webhooks } from '../../webhooks/webhooks.ts';
import { readBody, readQuery, respondWith } from './request-response.ts';

interface WebhooksEnv {
  readonly Bindings: Env;
  readonly Variables: {
    readonly actor: Actor;
    readonly tenant: DurableObjectStub<Tenant>;
    readonly tenantId: string;
    /** Where a tenant may send webhooks; absent for an administrator. */
    readonly bounds?: ManagementBounds;
    /** `tenant/site`. */
    readonly siteName: string;
    readonly webhooks: DurableObjectStub<Webhooks>;
  };
}

/** Returns the routes, to be mounted below those that set the tenant. Changes are recorded in its audit trail. */
export function createWebhookRoutes(): Hono<WebhooksEnv> {
  return new Hono<WebhooksEnv>()
    .use('*', async ({ env: { WEBHOOKS }, req, set, var: { tenant, tenantId } }, next) => {
      const site = req.param('site') ?? '';
      // A site that does not exist has no object, and a request for it must not create one.
      if (!(await hasSite(tenant, site))) return siteNotFound(site);
      const siteName = `${tenantId}/${site}`;
      set('siteName', siteName);
      set('webhooks', WEBHOOKS.get(WEBHOOKS.idFromName(siteName)));
      return next();
    })
    .post('/', async ({ env, req, var: { actor, bounds, tenant, siteName, webhooks } }) => {
      const body = await readBody(EndpointBody, req.raw);
      if (body instanceof Response) return body;
      const rejection = rejectUnsafeUrl(body.url, env);
      if (rejection) return rejection;
      const outside = outsideBounds(body.url, bounds);
      if (outside) {
        await recordAudit(tenant, actor, 'webhook.create', siteName, '', outside);
        return respondWith(outside);
      }
      const outcome = await webhooks.create(siteName, body);
      const site = siteOf(siteName);
      // The site may have been deleted since it was found: the body may have taken long to arrive.
      if (outcome.ok && !(await hasSite(tenant, site))) {
        await webhooks.erase();
        return siteNotFound(site);
      }
      await recordAudit(
        tenant,
        actor,
        'webhook.create',
        siteName,
        outcome.ok ? outcome.value.id : '',
        outcome,
      );
      return respondWith(outcome, 201);
    })
    .get('/', async ({ var: { webhooks } }) => Response.json({ webhooks: await webhooks.list() }))
    .get('/:webhook', async ({ req, var: { webhooks } }) => {
      const view = await webhooks.show(req.param('webhook'));
      return view ? Response.json(view) : webhookNotFound(req.param('webhook'));
    })
    .use('/:webhook/*', async ({ req, var: { actor, bounds, tenant, siteName, webhooks } }, next) => {
      const id = req.param('webhook');
      const view = bounds && req.method !== 'GET' && (await webhooks.show(id));
      // Otherwise a tenant could read the secret of an administrator's endpoint, and send events in the name of the site.
      const outside = view && outsideBounds(view.url, bounds);
      if (!outside) return next();
      await recordAudit(tenant, actor, 'webhook.change', siteName, id, outside);
      return respondWith(outside);
    })
    .patch('/:webhook', async ({ env, req, var: { actor, bounds, tenant, siteName, webhooks } }) => {
      const body = await readBody(EndpointChange, req.raw);
      if (body instanceof Response) return body;
      const rejection = body.url === undefined ? undefined : rejectUnsafeUrl(body.url, env);
      if (rejection) return rejection;
      const id = req.param('webhook');
      const outside = body.url === undefined ? undefined : outsideBounds(body.url, bounds);
      const outcome = outside ?? (await webhooks.update(id, body));
      await recordAudit(tenant, actor, 'webhook.change', siteName, id, outcome);
      return respondWith(outcome);
    })
    .delete('/:webhook', async ({ req, var: { actor, tenant, siteName, webhooks } }) => {
      const id = req.param('webhook');
      const outcome = await webhooks.remove(id);
      await recordAudit(tenant, actor, 'webhook.delete', siteName, id, outcome);
      return respondWith(outcome);
    })
    .post('/:webhook/rotate', async ({ req, var: { actor, tenant, siteName, webhooks } }) => {
      const body = await readBody(RotateSecretBody, req.raw);
      if (body instanceof Response) return body;
      const id = req.param('webhook');
      const outcome = await webhooks.rotateSecret(id, body.grace);
      await recordAudit(tenant, actor, 'webhook.rotate', siteName, id, outcome);
      return respondWith(outcome, 201);
    })
    .post('/:webhook/test', async ({ req, var: { actor, tenant, siteName, webhooks } }) => {
      const id = req.param('webhook');
      const outcome = await webhooks.sendTest(id);
      await recordAudit(tenant, actor, 'webhook.test', siteName, id, outcome);
      return respondWith(outcome, 202);
    })
    .get('/:webhook/deliveries', async ({ req, var: { webhooks } }) => {
      const query = readQuery(DeliveriesQuery, req.query());
      if (query instanceof Response) return query;
      const deliveries = await webhooks.listDeliveries(req.param('webhook'), query);
      if (!deliveries) return webhookNotFound(req.param('webhook'));
      const last = deliveries.length === query.limit ? deliveries.at(-1) : undefined;
      return Response.json({ deliveries, ...(last ? { next: last.n } : {}) });
    })
    .post(
      '/:webhook/deliveries/:n{[0-9]+}/replay',
      async ({ req, var: { actor, tenant, siteName, webhooks } }) => {
        const { webhook: id, n } = req.param();
        const outcome = await webhooks.replay(id, Number(n));
        await recordAudit(tenant, actor, 'webhook.replay', siteName, `${id} ${n}`, outcome);
        return respondWith(outcome, 202);
      },
    );
}

async function hasSite(tenant: DurableObjectStub<Tenant>, site: string): Promise<boolean> {
  return (await tenant.listSites()).some(({ id }) => id === site);
}

/** @param siteName `tenant/site` */
function siteOf(siteName: string): string {
  return siteName.split('/').at(-1) ?? '';
}

function siteNotFound(site: string): Response {
  return problemResponse(404, `There is no site ${quote(site)}. Create it first.`);
}

/**
 * Rejects URLs without TLS, because webhooks contain phone numbers, and those of addresses that are not public. A deployment may
 * allow both in a private network. What a name resolves to is checked when a connection is made.
 */
function rejectUnsafeUrl(url: string, { WEBHOOKS_TO_PRIVATE }: Env): Response | undefined {
  if (WEBHOOKS_TO_PRIVATE) return undefined;
  if (!/^https:/i.test(url))
    return problemResponse(
      400,
      `url: ${showValue(url)} is not an https:// URL. Use https://, because webhooks contain phone numbers.`,
    );
  if (isSpecialHost(new URL(url).hostname))
    return problemResponse(
      400,
      `url: ${showValue(url)} has an address that is not public. Use the public address or name of your server.`,
    );
  return undefined;
}

/** Returns why a tenant may not set an endpoint, or change it: an administrator does not let it send webhooks to that host. */
function outsideBounds(url: string, bounds: ManagementBounds | undefined): Rejection | undefined {
  if (!bounds || isHostWithin(bounds, new URL(url).hostname)) return undefined;
  const hosts = bounds.webhook_hosts.join(', ') || 'no host';
  const reason = `url: this tenant may not send webhooks to ${showValue(url)}, nor change those that go there. It may use ${hosts}. Ask an administrator to change this.`;
  return reject(403, reason);
}

/** Records a change in the tenant's audit trail; its target is the site followed by the webhook. */
async function recordAudit(
  tenant: DurableObjectStub<Tenant>,
  actor: Actor,
  action: string,
  siteName: string,
  id: string,
  outcome: Outcome<unknown>,
): Promise<void> {
  const target = `${siteOf(siteName)} ${id}`.trim();
  await tenant.recordAudit({
    ...actor,
    action,
    target,
    outcome: outcome.ok ? 'ok' : outcome.reason,
  });
}

function webhookNotFound(id: string): Response {
  return problemResponse(404, `There is no webhook ${quote(id)}. List the webhooks to see their ids.`);
}
