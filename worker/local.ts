/**
 * The Worker on a developer's own machine: one open tenant, `demo`. It is another entry point, not a setting, so
 * that no deployed configuration can switch it on.
 * @module
 */
import { app } from './app.ts';
import { demo } from './door/demo.ts';

export { Switchboard } from './switchboard.ts';
export { Directory } from './tenant/directory.ts';
export { Tenant } from './tenant/tenant.ts';
export { Webhooks } from './webhooks/webhooks.ts';

export default app(demo);
