/** What a deployment gives the Worker: its objects, its files and its variables. @module */
import type { Switchboard } from './switchboard.ts';
import type { Directory } from './tenant/directory.ts';
import type { Tenant } from './tenant/tenant.ts';
import type { Variables } from './variables.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

export interface Env extends Variables {
  /** One object for each site, by `tenant/site`. */
  readonly SWITCHBOARD: DurableObjectNamespace<Switchboard>;
  /** One object for each tenant, by its id. */
  readonly TENANT: DurableObjectNamespace<Tenant>;
  /** One object, by the name `directory`. */
  readonly DIRECTORY: DurableObjectNamespace<Directory>;
  /** One object for each site that has webhooks, by `tenant/site`. */
  readonly WEBHOOKS: DurableObjectNamespace<Webhooks>;
  /** The console's files: Cloudflare's assets, or the service of `selfhost/assets.ts`. */
  readonly ASSETS: Pick<Fetcher, 'fetch'>;
}
