// The deployed Worker, instrumented to count what Cloudflare would bill for a site whose adapter is dialed. It wraps the objects from
// outside, so that they run unchanged.
// Plain JavaScript, because the types of the platform and of Node exclude each other in one TypeScript program.
import worker, { Dialer as DeployedDialer, Switchboard as DeployedSwitchboard } from '../../worker/index.ts';
import { countStorage, storageCounts } from '../storage-counts.js';

export { Directory, Tenant, Webhooks } from '../../worker/index.ts';

const counts = { requests: 0, messages: 0, alarmsRun: 0 };

/** The methods that the Dialer and the Switchboard call of each other: each call is a request. */
const CALLED = ['fetch', 'dial', 'hangUp', 'releaseLink', 'onDialFailed', 'moveLink'];

/** Returns a class that counts the requests, messages and alarms of another one. */
function counted(Class) {
  class Counted extends Class {
    constructor(ctx, env) {
      countStorage(ctx);
      super(ctx, env);
    }
    alarm() {
      counts.alarmsRun++;
      return super.alarm();
    }
  }
  for (const name of CALLED.filter((each) => each in Class.prototype))
    Counted.prototype[name] = function (...args) {
      counts.requests++;
      return Class.prototype[name].apply(this, args);
    };
  if ('webSocketMessage' in Class.prototype)
    Counted.prototype.webSocketMessage = function (...args) {
      counts.messages++;
      return Class.prototype.webSocketMessage.apply(this, args);
    };
  return Counted;
}

export class Switchboard extends counted(DeployedSwitchboard) {}
export class Dialer extends counted(DeployedDialer) {}

/** The requests to the Worker itself, without those of the benchmark. */
let workerRequests = 0;

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname !== '/counts') {
      if (pathname.startsWith('/adapter')) workerRequests++;
      return worker.fetch(request, env, context);
    }
    const { rowsWritten, alarmsSet } = storageCounts();
    return Response.json({ ...counts, workerRequests, rowsWritten, alarmsSet });
  },
};
