/** The routes of `/v1/manage`, which require an API key with the scope `manage`. @module */
import * as z from 'zod';
import { Id } from '../../shared/policy/policy.ts';
import {
  ManagedSite,
  ManageView,
  OwnKeyBody,
  OwnSettingsChange,
} from '../../shared/protocol/admin/manage.ts';
import { adminOperations, KeyWithText, outcomeOf } from './admin-operations.ts';
import type { Operation } from './operation.ts';

const MANAGE = { tag: 'Management by tenants', credential: 'apiKey', status: 200 } as const;

const SitePath = z.object({ site: Id });
const KeyPath = z.object({ key: Id });
const WebhookPath = SitePath.extend({ webhook: Id });

const {
  listKeys,
  rotateKey,
  revokeKey,
  tenantAudit,
  createWebhook,
  listWebhooks,
  showWebhook,
  changeWebhook,
  deleteWebhook,
  rotateWebhook,
  testWebhook,
  listDeliveries,
  replayDelivery,
} = adminOperations;

/** Returns the operation of a tenant that does the same as one of an administrator. */
function own(operation: Operation, path: string, pathParams?: z.ZodObject): Operation {
  const { pathParams: _, ...rest } = operation;
  const problems = [
    ...new Set([...operation.problems, 401, 403, ...(operation.method === 'GET' ? [] : [413])]),
  ].sort();
  const params = pathParams === undefined ? {} : { pathParams };
  return { ...rest, ...params, tag: MANAGE.tag, credential: MANAGE.credential, path, problems };
}

const KEYS_URL = '/v1/manage/keys';
const WEBHOOKS_URL = '/v1/manage/sites/{site}/webhooks';
const WEBHOOK_URL = `${WEBHOOKS_URL}/{webhook}`;

export const manageOperations: Readonly<Record<string, Operation>> = {
  showOwn: {
    ...MANAGE,
    method: 'GET',
    path: '/v1/manage',
    summary: 'Shows what the tenant has set itself, and within which bounds it may',
    response: ManageView,
    problems: [401, 403],
  },
  changeOwn: {
    ...MANAGE,
    method: 'PATCH',
    path: '/v1/manage',
    summary: 'Changes the rules and origins of the tenant itself. Those of an administrator apply as well',
    body: OwnSettingsChange,
    response: outcomeOf(ManageView),
    problems: [400, 401, 403, 413],
  },
  createOwnKey: {
    ...MANAGE,
    method: 'POST',
    path: KEYS_URL,
    summary: 'Creates an API key. Only this response contains the key itself',
    body: OwnKeyBody,
    status: 201,
    response: KeyWithText,
    problems: [400, 401, 403, 404, 409, 413, 503],
  },
  listOwnKeys: own(listKeys, KEYS_URL),
  revokeOwnKey: own(revokeKey, `${KEYS_URL}/{key}`, KeyPath),
  rotateOwnKey: own(rotateKey, `${KEYS_URL}/{key}/rotate`, KeyPath),
  listOwnSites: {
    ...MANAGE,
    method: 'GET',
    path: '/v1/manage/sites',
    summary: 'Lists the sites of the tenant',
    response: z.object({ sites: z.array(ManagedSite) }),
    problems: [401, 403],
  },
  ownAudit: {
    ...own(tenantAudit, '/v1/manage/audit'),
    summary:
      'Lists what the API keys of the tenant have changed, and the tokens that they have issued, newest first',
  },
  createOwnWebhook: own(createWebhook, WEBHOOKS_URL, SitePath),
  listOwnWebhooks: own(listWebhooks, WEBHOOKS_URL, SitePath),
  showOwnWebhook: own(showWebhook, WEBHOOK_URL, WebhookPath),
  changeOwnWebhook: own(changeWebhook, WEBHOOK_URL, WebhookPath),
  deleteOwnWebhook: own(deleteWebhook, WEBHOOK_URL, WebhookPath),
  rotateOwnWebhook: own(rotateWebhook, `${WEBHOOK_URL}/rotate`, WebhookPath),
  testOwnWebhook: own(testWebhook, `${WEBHOOK_URL}/test`, WebhookPath),
  listOwnDeliveries: own(listDeliveries, `${WEBHOOK_URL}/deliveries`, WebhookPath),
  replayOwnDelivery: own(
    replayDelivery,
    `${WEBHOOK_URL}/deliveries/{n}/replay`,
    WebhookPath.extend({ n: z.string().regex(/^[0-9]{1,15}$/) }),
  ),
};
