// The Worker of `npm start` that counts what the platform would bill: rows, alarms, frames, requests, wake-ups. It
// counts by stepping between the platform and the Switchboard, so what is counted is the code as it runs.
// Plain JavaScript, because types of the platform and of Node do not go together in one program.
import worker, { Switchboard as Real } from '../../worker/local.ts';

export { Directory, Tenant, Webhooks } from '../../worker/local.ts';

const counts = {};
/** Statements of which not all rows may have been read yet. */
let cursors = [];
let storedBefore = 0;
reset();

function reset() {
  cursors = [];
  Object.assign(counts, {
    rowsWritten: 0,
    rowsRead: 0,
    alarmsSet: 0,
    alarmsRun: 0,
    requests: 0,
    wakeUps: 0,
    client: { in: 0, bytesIn: 0, out: 0, bytesOut: 0 },
    adapter: { in: 0, bytesIn: 0, out: 0, bytesOut: 0 },
  });
}

const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (message) {
  const wire = counts[this.deserializeAttachment()?.kind];
  if (wire) {
    wire.out++;
    wire.bytesOut += message.length;
  }
  return send.call(this, message);
};

let stepped = false;
/** Steps in once: all objects of the isolate share the platform's classes. */
function stepIn({ storage }) {
  if (stepped) return;
  stepped = true;
  const sql = Object.getPrototypeOf(storage.sql);
  const { exec } = sql;
  sql.exec = function (...args) {
    const cursor = exec.apply(this, args);
    cursors.push(cursor);
    return cursor;
  };
  const alarms = Object.getPrototypeOf(storage);
  const { setAlarm } = alarms;
  alarms.setAlarm = function (...args) {
    counts.alarmsSet++;
    return setAlarm.apply(this, args);
  };
}

export class Switchboard extends Real {
  constructor(ctx, env) {
    stepIn(ctx);
    super(ctx, env);
    counts.wakeUps++;
  }

  /** What was counted since the last reset. */
  counted(thenReset) {
    const sum = (what) => cursors.reduce((all, cursor) => all + cursor[what], 0);
    const counted = structuredClone({
      ...counts,
      rowsWritten: sum('rowsWritten'),
      rowsRead: sum('rowsRead'),
      stored: this.ctx.storage.sql.databaseSize - storedBefore,
    });
    if (thenReset) {
      reset();
      storedBefore = this.ctx.storage.sql.databaseSize;
    }
    return counted;
  }

  fetch(request) {
    counts.requests++;
    return super.fetch(request);
  }

  webSocketMessage(socket, message) {
    const wire = counts[socket.deserializeAttachment().kind];
    wire.in++;
    wire.bytesIn += message.length;
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
    return Response.json(await site.counted(request.method === 'DELETE'));
  },
};
