// The real Worker with the benchmarks' authenticator.
import { createApp } from '../../worker/app.ts';
import { openAuthenticator } from '../open-authenticator.js';

export { Dialer } from '../../worker/dialer/dialer.ts';
export { Switchboard } from '../../worker/switchboard/switchboard.ts';
export { Directory } from '../../worker/tenant/directory.ts';
export { Tenant } from '../../worker/tenant/tenant.ts';
export { Webhooks } from '../../worker/webhooks/webhooks.ts';

export default createApp(openAuthenticator);
