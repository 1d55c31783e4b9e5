/** The routes of `/v1/admin`, which require the admin secret, or the key of an administrator with the role for it. @module */
import * as z from 'zod';
import { AdminRole } from '../../shared/policy/admin-roles.ts';
import { Id } from '../../shared/policy/policy.ts';
import { AdministratorBody, AdministratorView } from '../../shared/protocol/admin/administrators.ts';
import {
  AuditQuery,
  KeyBody,
  RotateKeyBody,
  SiteBody,
  SiteChange,
  TenantBody,
  TenantChange,
  TenantsQuery,
} from '../../shared/protocol/admin/requests.ts';
import { KeyView, SiteDetails, SiteView, TenantView } from '../../shared/protocol/admin/views.ts';
import { DeliveriesQuery, DeliveryView } from '../../shared/protocol/webhooks/deliveries.ts';
import {
  EndpointBody,
  EndpointChange,
  EndpointView,
  EndpointWithSecret,
  RotateSecretBody,
} from '../../shared/protocol/webhooks/endpoints.ts';
import type { Operation } from './operation.ts';

const UnreachedSites = z.array(z.string()).meta({
  description: 'sites that have not been updated yet. The service retries until they are',
});

/** The response to a change. */
export const outcomeOf = (view: z.ZodObject) => view.extend({ untold: UnreachedSites });

const TenantListing = z.object({ id: Id, created: z.iso.datetime(), deleted: z.iso.datetime().nullable() });
const AuditEntry = z.object({
  n: z.number().int(),
  at: z.iso.datetime(),
  actor: z.string().meta({
    description:
      '`admin` for the admin secret, `admin:<name>` for an administrator, `key:<id>` for an API key',
  }),
  role: AdminRole.nullable().meta({ description: 'the role of the administrator' }),
  from: z.string(),
  action: z.string(),
  target: z.string(),
  outcome: z.string(),
});
export const Trail = z.object({
  entries: z.array(AuditEntry),
  next: z.number().int().optional().meta({ description: 'pass it as `before` for the next page' }),
});
export const KeyWithText = outcomeOf(KeyView).extend({
  key: z.string().meta({ description: 'the key itself. It is shown only in this response' }),
});

const AdministratorWithKey = outcomeOf(AdministratorView).extend({ key: KeyWithText.shape.key });
const AdministratorPath = z.object({ name: Id });

const TenantPath = z.object({ tenant: Id });
const SitePath = TenantPath.extend({ site: Id });
const KeyPath = TenantPath.extend({ key: Id });

const WebhookPath = SitePath.extend({ webhook: Id });

const WEBHOOKS_URL = '/v1/admin/tenants/{tenant}/sites/{site}/webhooks';
const WEBHOOK_URL = `${WEBHOOKS_URL}/{webhook}`;

const ADMIN = { tag: 'Administration', credential: 'admin', status: 200 } as const;

export const adminOperations = {
  createAdministrator: {
    ...ADMIN,
    method: 'POST',
    path: '/v1/admin/administrators',
    summary: 'Creates an administrator. Only this response contains the key',
    body: AdministratorBody,
    status: 201,
    response: AdministratorWithKey,
    problems: [400, 401, 403, 409, 503],
  },
  listAdministrators: {
    ...ADMIN,
    method: 'GET',
    path: '/v1/admin/administrators',
    summary: 'Lists the administrators, without their keys. Revoked ones are listed for 90 days',
    response: z.object({ administrators: z.array(AdministratorView) }),
    problems: [401],
  },
  rotateAdministrator: {
    ...ADMIN,
    method: 'POST',
    path: '/v1/admin/administrators/{name}/rotate',
    summary: 'Replaces the key of an administrator. The old key remains valid for `grace` seconds',
    pathParams: AdministratorPath,
    body: RotateKeyBody,
    isBodyOptional: true,
    status: 201,
    response: AdministratorWithKey,
    problems: [400, 401, 403, 404, 409, 503],
  },
  revokeAdministrator: {
    ...ADMIN,
    method: 'DELETE',
    path: '/v1/admin/administrators/{name}',
    summary: 'Revokes the key of an administrator',
    pathParams: AdministratorPath,
    response: outcomeOf(AdministratorView),
    problems: [401, 403, 404],
  },
  createTenant: {
    ...ADMIN,
    method: 'POST',
    path: '/v1/admin/tenants',
    summary: 'Creates a tenant',
    body: TenantBody,
    status: 201,
    response: outcomeOf(TenantView),
    problems: [400, 401, 403, 409],
  },
  listTenants: {
    ...ADMIN,
    method: 'GET',
    path: '/v1/admin/tenants',
    summary: 'Lists tenants, up to 1,000 at a time',
    query: TenantsQuery,
    response: z.object({
      tenants: z.array(TenantListing),
      next: Id.optional().meta({ description: 'pass it as `after` for the next page' }),
    }),
    problems: [400, 401],
  },
  adminAudit: {
    ...ADMIN,
    method: 'GET',
    path: '/v1/admin/audit',
    summary:
      'Lists creations and deletions of tenants, changes of administrators and refused requests, newest first',
    query: AuditQuery,
    response: Trail,
    problems: [400, 401],
  },
  showTenant: {
    ...ADMIN,
    method: 'GET',
    path: '/v1/admin/tenants/{tenant}',
    summary: 'Shows a tenant',
    pathParams: TenantPath,
    response: TenantView,
    problems: [401, 404],
  },
  changeTenant: {
    ...ADMIN,
    method: 'PATCH',
    path: '/v1/admin/tenants/{tenant}',
    summary: 'Changes a tenant. The new values apply to all its sites immediately',
    pathParams: TenantPath,
    body: TenantChange,
    response: outcomeOf(TenantView),
    problems: [400, 401, 403, 404, 409],
  },
  deleteTenant: {
    ...ADMIN,
    method: 'DELETE',
    path: '/v1/admin/tenants/{tenant}',
    summary: 'Deletes a tenant with all its sites and keys',
    pathParams: TenantPath,
    response: z.object({ untold: UnreachedSites }),
    problems: [401, 403, 404],
  },
  createSite: {
    ...ADMIN,
    method: 'POST',
    path: '/v1/admin/tenants/{tenant}/sites',
    summary: 'Creates a site',
    pathParams: TenantPath,
    body: SiteBody,
    status: 201,
    response: outcomeOf(SiteView),
    problems: [400, 401, 403, 404, 409],
  },
  listSites: {
    ...ADMIN,
    method: 'GET',
    path: '/v1/admin/tenants/{tenant}/sites',
    summary: 'Lists the sites of a tenant',
    pathParams: TenantPath,
    response: z.object({ sites: z.array(SiteView) }),
    problems: [401, 404],
  },
  showSite: {
    ...ADMIN,
    method: 'GET',
    path: '/v1/admin/tenants/{tenant}/sites/{site}',
    summary: 'Shows a site with its limits, what it uses of them, and its adapter',
    pathParams: SitePath,
    response: SiteDetails,
    problems: [401, 404],
  },
  changeSite: {
    ...ADMIN,
    method: 'PATCH',
    path: '/v1/admin/tenants/{tenant}/sites/{site}',
    summary: 'Changes a site',
    pathParams: SitePath,
    body: SiteChange,
    response: outcomeOf(SiteView),
    problems: [400, 401, 403, 404, 409],
  },
  deleteSite: {
    ...ADMIN,
    method: 'DELETE',
    path: '/v1/admin/tenants/{tenant}/sites/{site}',
    summary: 'Deletes a site with all its data',
    pathParams: SitePath,
    response: z.object({ untold: UnreachedSites }),
    problems: [401, 403, 404],
  },
  createKey: {
    ...ADMIN,
    method: 'POST',
    path: '/v1/admin/tenants/{tenant}/keys',
    summary: 'Creates a key. Only this response contains the key itself',
    pathParams: TenantPath,
    body: KeyBody,
    status: 201,
    response: KeyWithText,
    problems: [400, 401, 403, 404, 409, 503],
  },
  listKeys: {
    ...ADMIN,
    method: 'GET',
    path: '/v1/admin/tenants/{tenant}/keys',
    summary: 'Lists the keys of a tenant, without the keys themselves',
    pathParams: TenantPath,
    response: z.object({ keys: z.array(KeyView) }),
    problems: [401, 404],
  },
  revokeKey: {
    ...ADMIN,
    method: 'DELETE',
    path: '/v1/admin/tenants/{tenant}/keys/{key}',
    summary: 'Revokes a key and the tokens issued for it, and closes their sockets',
    pathParams: KeyPath,
    response: outcomeOf(KeyView),
    problems: [401, 403, 404],
  },
  rotateKey: {
    ...ADMIN,
    method: 'POST',
    path: '/v1/admin/tenants/{tenant}/keys/{key}/rotate',
    summary:
      'Replaces a key by a new one with the same permissions. The old key remains valid for `grace` seconds',
    pathParams: KeyPath,
    body: RotateKeyBody,
    isBodyOptional: true,
    status: 201,
    response: KeyWithText,
    problems: [400, 401, 403, 404, 409, 503],
  },
  tenantAudit: {
    ...ADMIN,
    method: 'GET',
    path: '/v1/admin/tenants/{tenant}/audit',
    summary: 'Lists the changes of a tenant and who made them, newest first',
    pathParams: TenantPath,
    query: AuditQuery,
    response: Trail,
    problems: [400, 401, 404],
  },
  createWebhook: {
    ...ADMIN,
    method: 'POST',
    path: WEBHOOKS_URL,
    summary: 'Creates a webhook. Only this response contains its secret',
    pathParams: SitePath,
    body: EndpointBody,
    status: 201,
    response: outcomeOf(EndpointWithSecret),
    problems: [400, 401, 403, 404, 409],
  },
  listWebhooks: {
    ...ADMIN,
    method: 'GET',
    path: WEBHOOKS_URL,
    summary: 'Lists the webhooks of a site',
    pathParams: SitePath,
    response: z.object({ webhooks: z.array(EndpointView) }),
    problems: [401, 404],
  },
  showWebhook: {
    ...ADMIN,
    method: 'GET',
    path: WEBHOOK_URL,
    summary: 'Shows a webhook',
    pathParams: WebhookPath,
    response: EndpointView,
    problems: [401, 404],
  },
  changeWebhook: {
    ...ADMIN,
    method: 'PATCH',
    path: WEBHOOK_URL,
    summary: 'Changes a webhook',
    pathParams: WebhookPath,
    body: EndpointChange,
    response: outcomeOf(EndpointView),
    problems: [400, 401, 403, 404, 409],
  },
  deleteWebhook: {
    ...ADMIN,
    method: 'DELETE',
    path: WEBHOOK_URL,
    summary: 'Deletes a webhook with its deliveries',
    pathParams: WebhookPath,
    response: z.object({ untold: UnreachedSites }),
    problems: [401, 403, 404],
  },
  rotateWebhook: {
    ...ADMIN,
    method: 'POST',
    path: `${WEBHOOK_URL}/rotate`,
    summary: 'Replaces the secret. For `grace` seconds, deliveries are signed with the old one as well',
    pathParams: WebhookPath,
    body: RotateSecretBody,
    isBodyOptional: true,
    status: 201,
    response: outcomeOf(EndpointWithSecret),
    problems: [400, 401, 403, 404],
  },
  testWebhook: {
    ...ADMIN,
    method: 'POST',
    path: `${WEBHOOK_URL}/test`,
    summary: 'Sends a `webhook.test` event, regardless of the filters',
    pathParams: WebhookPath,
    status: 202,
    response: outcomeOf(DeliveryView),
    problems: [401, 403, 404, 409],
  },
  listDeliveries: {
    ...ADMIN,
    method: 'GET',
    path: `${WEBHOOK_URL}/deliveries`,
    summary: 'Lists deliveries, sent and pending, newest first',
    pathParams: WebhookPath,
    query: DeliveriesQuery,
    response: z.object({
      deliveries: z.array(DeliveryView),
      next: z.number().int().optional().meta({ description: 'pass it as `before` for the next page' }),
    }),
    problems: [400, 401, 404],
  },
  replayDelivery: {
    ...ADMIN,
    method: 'POST',
    path: `${WEBHOOK_URL}/deliveries/{n}/replay`,
    summary: 'Sends a delivery again',
    pathParams: WebhookPath.extend({ n: z.string().regex(/^[0-9]{1,15}$/) }),
    status: 202,
    response: outcomeOf(DeliveryView),
    problems: [401, 403, 404, 409],
  },
} as const satisfies Record<string, Operation>;
