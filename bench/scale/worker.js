// The real Worker with a site for each `?site=`, open to everybody, and counters of what its objects do: so the bench
// sees from outside when an object was asleep and what was written. Plain JavaScript, because types of the platform
// and of Node do not go together in one program.
import { app } from '../../worker/app.ts';
import { Switchboard as Real } from '../../worker/switchboard.ts';
import { door, placeOf } from '../door.js';

export { Directory } from '../../worker/tenant/directory.ts';
export { Tenant } from '../../worker/tenant/tenant.ts';
export { Webhooks } from '../../worker/webhooks/webhooks.ts';

/** By object. It lives as long as the process, so it outlasts an object's sleep, and reading it wakes nobody. */
const counters = new Map();

function countersOf(id) {
  const fresh = { constructed: 0, rows: 0, alarms: 0, frames: 0, events: 0, gaps: 0, applied: 0 };
  if (!counters.has(id)) counters.set(id, fresh);
  return counters.get(id);
}

export class Switchboard extends Real {
  #counters;

  constructor(ctx, env) {
    const counted = countersOf(ctx.id.toString());
    counted.constructed++;
    countWrites(ctx.storage, counted);
    super(ctx, env);
    this.#counters = counted;
  }

  webSocketMessage(socket, message) {
    super.webSocketMessage(socket, message);
    if (message.includes('"jsonrpc"')) return;
    // A frame of the adapter. Searched as text, because reading it once more would cost as much as the turn itself.
    this.#counters.frames++;
    this.#counters.events += message.split('"type":"event"').length - 1;
    this.#counters.gaps += message.split('"type":"gap"').length - 1;
    this.#counters.applied = socket.deserializeAttachment()?.seq ?? this.#counters.applied;
  }

  /** What is kept on disk now. */
  kept() {
    const { sql } = this.ctx.storage;
    const segments = sql.exec('SELECT id FROM segments').toArray();
    const count = (table) => sql.exec(`SELECT count(*) AS n FROM ${table}`).one().n;
    return {
      first: sql.exec('SELECT position FROM site').one().position,
      segments: segments.length,
      rows: segments.reduce((sum, { id }) => sum + count(`log_${id}`), 0),
      ended: segments.reduce((sum, { id }) => sum + count(`ended_${id}`), 0),
      bytes: sql.databaseSize,
    };
  }
}

/** The platform's own objects take properties of ours, and refuse to be replaced by a proxy. */
function countWrites(storage, counted) {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  sql.exec = (...args) => {
    const cursor = exec(...args);
    counted.rows += cursor.rowsWritten;
    return cursor;
  };
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (...args) => {
    counted.alarms++;
    return setAlarm(...args);
  };
}

const worker = app(door);

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname !== '/counters' && pathname !== '/kept') return worker.fetch(request, env, context);
    const id = env.SWITCHBOARD.idFromName(placeOf(request));
    if (pathname === '/counters') return Response.json(countersOf(id.toString()));
    return Response.json(await env.SWITCHBOARD.get(id).kept());
  },
};
