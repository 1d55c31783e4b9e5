/** The deployed Worker: tenants, and nobody else. @module */
import { app } from './app.ts';
import { TenantsDoor } from './door/admission.ts';
import { Admissions } from './door/admissions.ts';

export { Switchboard } from './switchboard.ts';
export { Directory } from './tenant/directory.ts';
export { Tenant } from './tenant/tenant.ts';
export { Webhooks } from './webhooks/webhooks.ts';

const tenants = new TenantsDoor(new Admissions());

export default app(tenants, tenants);
