/** The routes of `/v1/admin`, for whoever has the deployment's admin secret. @module */
import * as z from 'zod';
import { Id } from '../../shared/policy.ts';
import {
  DeliveriesQuery,
  DeliveryView,
  EndpointBody,
  EndpointChange,
  EndpointView,
  EndpointWithSecret,
  RotateSecretBody,
} from '../../shared/webhooks.ts';
import {
  KeyBody,
  ListQuery,
  RotateBody,
  SiteBody,
  SiteChange,
  TenantBody,
  TenantChange,
  TrailQuery,
} from '../tenant/bodies.ts';
import { KeyView, SiteView, TenantView } from '../tenant/views.ts';
import type { Operation } from './operation.ts';

const untold = z.array(z.string()).meta({
  description: 'sites that could not be told yet; the edge tries again until they are',
});

/** The answer to a change. */
const changed = (view: z.ZodObject) => view.extend({ untold });

const Listed = z.object({ id: Id, created: z.iso.datetime(), deleted: z.iso.datetime().nullable() });
const Entry = z.object({
  n: z.number().int(),
  at: z.iso.datetime(),
  actor: z.string(),
  from: z.string(),
  action: z.string(),
  target: z.string(),
  outcome: z.string(),
});
export const Trail = z.object({
  entries: z.array(Entry),
  next: z.number().int().optional().meta({ description: 'give it as `before` for the next page' }),
});
const ShownOnce = changed(KeyView).extend({
  key: z.string().meta({ description: 'the key: it is shown this once' }),
});

const OfTenant = z.object({ tenant: Id });
const OfSite = OfTenant.extend({ site: Id });
const OfKey = OfTenant.extend({ key: Id });

const OfWebhook = OfSite.extend({ webhook: Id });

const HOOKS = '/v1/admin/tenants/{tenant}/sites/{site}/webhooks';
const HOOK = `${HOOKS}/{webhook}`;

const ofAdmin = { group: 'Administration', opener: 'admin', status: 200 } as const;

export const ofAdministrators = {
  createTenant: {
    ...ofAdmin,
    verb: 'POST',
    path: '/v1/admin/tenants',
    means: 'Makes a tenant',
    body: TenantBody,
    status: 201,
    answer: changed(TenantView),
    problems: [400, 401, 409],
  },
  listTenants: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants',
    means: 'Lists tenants, 1,000 at a time',
    query: ListQuery,
    answer: z.object({
      tenants: z.array(Listed),
      next: Id.optional().meta({ description: 'give it as `after` for the next page' }),
    }),
    problems: [400, 401],
  },
  adminAudit: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/audit',
    means: 'Who made and deleted tenants, the newest first',
    query: TrailQuery,
    answer: Trail,
    problems: [400, 401],
  },
  showTenant: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants/{tenant}',
    means: 'Shows a tenant',
    params: OfTenant,
    answer: TenantView,
    problems: [401, 404],
  },
  changeTenant: {
    ...ofAdmin,
    verb: 'PATCH',
    path: '/v1/admin/tenants/{tenant}',
    means: 'Changes what is given, at once and everywhere',
    params: OfTenant,
    body: TenantChange,
    answer: changed(TenantView),
    problems: [400, 401, 404, 409],
  },
  deleteTenant: {
    ...ofAdmin,
    verb: 'DELETE',
    path: '/v1/admin/tenants/{tenant}',
    means: 'Deletes a tenant with all its sites and keys',
    params: OfTenant,
    answer: z.object({ untold }),
    problems: [401, 404],
  },
  createSite: {
    ...ofAdmin,
    verb: 'POST',
    path: '/v1/admin/tenants/{tenant}/sites',
    means: 'Makes a site',
    params: OfTenant,
    body: SiteBody,
    status: 201,
    answer: changed(SiteView),
    problems: [400, 401, 404, 409],
  },
  listSites: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants/{tenant}/sites',
    means: 'Lists the sites',
    params: OfTenant,
    answer: z.object({ sites: z.array(SiteView) }),
    problems: [401, 404],
  },
  changeSite: {
    ...ofAdmin,
    verb: 'PATCH',
    path: '/v1/admin/tenants/{tenant}/sites/{site}',
    means: 'Changes what is given',
    params: OfSite,
    body: SiteChange,
    answer: changed(SiteView),
    problems: [400, 401, 404, 409],
  },
  deleteSite: {
    ...ofAdmin,
    verb: 'DELETE',
    path: '/v1/admin/tenants/{tenant}/sites/{site}',
    means: 'Deletes a site with all that it keeps',
    params: OfSite,
    answer: z.object({ untold }),
    problems: [401, 404],
  },
  createKey: {
    ...ofAdmin,
    verb: 'POST',
    path: '/v1/admin/tenants/{tenant}/keys',
    means: 'Makes a key, and shows it this once',
    params: OfTenant,
    body: KeyBody,
    status: 201,
    answer: ShownOnce,
    problems: [400, 401, 404, 409, 503],
  },
  listKeys: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants/{tenant}/keys',
    means: 'Lists the keys, without what opens a door',
    params: OfTenant,
    answer: z.object({ keys: z.array(KeyView) }),
    problems: [401, 404],
  },
  revokeKey: {
    ...ofAdmin,
    verb: 'DELETE',
    path: '/v1/admin/tenants/{tenant}/keys/{key}',
    means: 'Revokes a key, and closes what came in by it',
    params: OfKey,
    answer: changed(KeyView),
    problems: [401, 404],
  },
  rotateKey: {
    ...ofAdmin,
    verb: 'POST',
    path: '/v1/admin/tenants/{tenant}/keys/{key}/rotate',
    means: 'Makes a key that may do the same; the old one holds for `grace` more seconds',
    params: OfKey,
    body: RotateBody,
    isBodyOptional: true,
    status: 201,
    answer: ShownOnce,
    problems: [400, 401, 404, 409, 503],
  },
  tenantAudit: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants/{tenant}/audit',
    means: 'Who did what, the newest first',
    params: OfTenant,
    query: TrailQuery,
    answer: Trail,
    problems: [400, 401, 404],
  },
  createWebhook: {
    ...ofAdmin,
    verb: 'POST',
    path: HOOKS,
    means: 'Makes a webhook, and shows its secret this once',
    params: OfSite,
    body: EndpointBody,
    status: 201,
    answer: changed(EndpointWithSecret),
    problems: [400, 401, 404, 409],
  },
  listWebhooks: {
    ...ofAdmin,
    verb: 'GET',
    path: HOOKS,
    means: 'Lists the webhooks of a site',
    params: OfSite,
    answer: z.object({ webhooks: z.array(EndpointView) }),
    problems: [401, 404],
  },
  showWebhook: {
    ...ofAdmin,
    verb: 'GET',
    path: HOOK,
    means: 'Shows a webhook',
    params: OfWebhook,
    answer: EndpointView,
    problems: [401, 404],
  },
  changeWebhook: {
    ...ofAdmin,
    verb: 'PATCH',
    path: HOOK,
    means: 'Changes what is given',
    params: OfWebhook,
    body: EndpointChange,
    answer: changed(EndpointView),
    problems: [400, 401, 404, 409],
  },
  deleteWebhook: {
    ...ofAdmin,
    verb: 'DELETE',
    path: HOOK,
    means: 'Deletes a webhook with all that waits for it',
    params: OfWebhook,
    answer: z.object({ untold }),
    problems: [401, 404],
  },
  rotateWebhook: {
    ...ofAdmin,
    verb: 'POST',
    path: `${HOOK}/rotate`,
    means: 'Makes a new secret; the old one signs as well for `grace` more seconds',
    params: OfWebhook,
    body: RotateSecretBody,
    isBodyOptional: true,
    status: 201,
    answer: changed(EndpointWithSecret),
    problems: [400, 401, 404],
  },
  testWebhook: {
    ...ofAdmin,
    verb: 'POST',
    path: `${HOOK}/test`,
    means: 'Sends a `webhook.test`, whatever the filters say',
    params: OfWebhook,
    status: 202,
    answer: changed(DeliveryView),
    problems: [401, 404, 409],
  },
  listDeliveries: {
    ...ofAdmin,
    verb: 'GET',
    path: `${HOOK}/deliveries`,
    means: 'What was sent and what waits, the newest first',
    params: OfWebhook,
    query: DeliveriesQuery,
    answer: z.object({
      deliveries: z.array(DeliveryView),
      next: z.number().int().optional().meta({ description: 'give it as `before` for the next page' }),
    }),
    problems: [400, 401, 404],
  },
  replayDelivery: {
    ...ofAdmin,
    verb: 'POST',
    path: `${HOOK}/deliveries/{n}/replay`,
    means: 'Sends one again',
    params: OfWebhook.extend({ n: z.string().regex(/^[0-9]{1,15}$/) }),
    status: 202,
    answer: changed(DeliveryView),
    problems: [401, 404, 409],
  },
} as const satisfies Record<string, Operation>;
