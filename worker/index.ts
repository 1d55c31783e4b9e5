/** The entry point of the deployed Worker, which authenticates tenants only. @module */
import { createApp } from './app.ts';
import { GrantCache } from './auth/grant-cache.ts';
import { TenantAuthenticator } from './auth/tenant-authenticator.ts';

export { Dialer } from './dialer/dialer.ts';
export { Switchboard } from './switchboard/switchboard.ts';
export { Directory } from './tenant/directory.ts';
export { Tenant } from './tenant/tenant.ts';
export { Webhooks } from './webhooks/webhooks.ts';

const authenticator = new TenantAuthenticator(new GrantCache());

export default createApp(authenticator, authenticator);
