/**
 * The entry point of the Worker on a developer's machine, with the open tenant `demo`. It is another entry point instead
 * of a setting, so that no deployed configuration can enable it.
 * @module
 */
import { createApp } from './app.ts';
import { demoAuthenticator } from './auth/demo-authenticator.ts';

export { DemoDialer as Dialer } from './dialer/demo-dialer.ts';
export { Switchboard } from './switchboard/switchboard.ts';
export { Directory } from './tenant/directory.ts';
export { Tenant } from './tenant/tenant.ts';
export { Webhooks } from './webhooks/webhooks.ts';

export default createApp(demoAuthenticator);
