// The Worker of `npm start`, instrumented to count what Cloudflare would bill: rows, alarms, frames, requests, wake-ups.
// It wraps the platform's functions below the Switchboard, so that the Switchboard itself runs unchanged.
// Plain JavaScript, because the types of the platform and of Node exclude each other in one TypeScript program.
import worker, { Switchboard as LocalSwitchboard } from '../../worker/local.ts';
import { countStorage, resetStorageCounts, storageCounts } from '../storage-counts.js';

export { Dialer, Directory, Tenant, Webhooks } from '../../worker/local.ts';

const counts = {};
let storedBefore = 0;
reset();

function reset() {
  resetStorageCounts();
  Object.assign(counts, {
    alarmsRun: 0,
    requests: 0,
    wakeUps: 0,
    client: { in: 0, bytesIn: 0, out: 0, bytesOut: 0 },
    adapter: { in: 0, bytesIn: 0, out: 0, bytesOut: 0 },
  });
}

const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (message) {
  const traffic = counts[this.deserializeAttachment()?.kind];
  if (traffic) {
    traffic.out++;
    traffic.bytesOut += message.length;
  }
  return send.call(this, message);
};

export class Switchboard extends LocalSwitchboard {
  constructor(ctx, env) {
    countStorage(ctx);
    super(ctx, env);
    counts.wakeUps++;
  }

  /** Returns the counts since the last reset. */
  resourceCounts(thenReset) {
    const snapshot = structuredClone({
      ...counts,
      ...storageCounts(),
      bytesStored: this.ctx.storage.sql.databaseSize - storedBefore,
    });
    if (thenReset) {
      reset();
      storedBefore = this.ctx.storage.sql.databaseSize;
    }
    return snapshot;
  }

  fetch(request) {
    counts.requests++;
    return super.fetch(request);
  }

  webSocketMessage(socket, message) {
    const traffic = counts[socket.deserializeAttachment().kind];
    traffic.in++;
    traffic.bytesIn += message.length;
    return super.webSocketMessage(socket, message);
  }

  alarm() {
    counts.alarmsRun++;
    return super.alarm();
  }
}

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/counts') return worker.fetch(request, env, context);
    const site = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(searchParams.get('site') ?? 'demo/demo'));
    return Response.json(await site.resourceCounts(request.method === 'DELETE'));
  },
};
