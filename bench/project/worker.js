// The project's own Worker with the benches' door. Plain JavaScript, as that is.
import { app } from '../../worker/app.ts';
import { door } from '../door.js';

export { Switchboard } from '../../worker/switchboard.ts';
export { Directory } from '../../worker/tenant/directory.ts';
export { Tenant } from '../../worker/tenant/tenant.ts';
export { Webhooks } from '../../worker/webhooks/webhooks.ts';

export default app(door);
