// The real Worker with the benchmarks' authenticator. It counts what each object does, so that the benchmark sees from
// outside whether an object has hibernated and what it has written.
// Plain JavaScript, because the types of the platform and of Node exclude each other in one TypeScript program.
import { createApp } from '../../../worker/app.ts';
import { Switchboard as RealSwitchboard } from '../../../worker/switchboard/switchboard.ts';
import { openAuthenticator, siteNameOf } from '../../open-authenticator.js';

export { Dialer } from '../../../worker/dialer/dialer.ts';
export { Directory } from '../../../worker/tenant/directory.ts';
export { Tenant } from '../../../worker/tenant/tenant.ts';
export { Webhooks } from '../../../worker/webhooks/webhooks.ts';

/** By object id. They live as long as the process, so they outlast hibernation, and reading them wakes no object. */
const counters = new Map();

function countersOf(id) {
  if (!counters.has(id))
    counters.set(id, {
      ...{ constructed: 0, rowsWritten: 0, alarmsSet: 0 },
      ...{ frames: 0, events: 0, gaps: 0, appliedSeq: 0 },
    });
  return counters.get(id);
}

export class Switchboard extends RealSwitchboard {
  #counters;

  constructor(ctx, env) {
    const objectCounters = countersOf(ctx.id.toString());
    objectCounters.constructed++;
    countWrites(ctx.storage, objectCounters);
    super(ctx, env);
    this.#counters = objectCounters;
  }

  webSocketMessage(socket, message) {
    super.webSocketMessage(socket, message);
    if (message.includes('"jsonrpc"')) return;
    // A frame from the adapter. It is searched as text, because parsing it again would cost as much as the turn itself.
    this.#counters.frames++;
    this.#counters.events += message.split('"type":"event"').length - 1;
    this.#counters.gaps += message.split('"type":"gap"').length - 1;
    this.#counters.appliedSeq = socket.deserializeAttachment()?.seq ?? this.#counters.appliedSeq;
  }

  /** Returns what is on disk now. */
  storageStats() {
    const { sql } = this.ctx.storage;
    const segments = sql.exec('SELECT id FROM segments').toArray();
    const countRows = (table) => sql.exec(`SELECT count(*) AS n FROM ${table}`).one().n;
    return {
      firstPosition: sql.exec('SELECT position FROM site').one().position,
      segments: segments.length,
      rows: segments.reduce((sum, { id }) => sum + countRows(`log_${id}`), 0),
      endedCommands: segments.reduce((sum, { id }) => sum + countRows(`ended_${id}`), 0),
      bytes: sql.databaseSize,
    };
  }
}

/** Overrides the platform's functions in place: its objects accept new properties, but not a proxy instead of them. */
function countWrites(storage, objectCounters) {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  sql.exec = (...args) => {
    const cursor = exec(...args);
    objectCounters.rowsWritten += cursor.rowsWritten;
    return cursor;
  };
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (...args) => {
    objectCounters.alarmsSet++;
    return setAlarm(...args);
  };
}

const worker = createApp(openAuthenticator);

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === '/collect-garbage') {
      globalThis.gc();
      return Response.json({});
    }
    if (pathname !== '/counters' && pathname !== '/storage') return worker.fetch(request, env, context);
    const id = env.SWITCHBOARD.idFromName(siteNameOf(request));
    if (pathname === '/counters') return Response.json(countersOf(id.toString()));
    return Response.json(await env.SWITCHBOARD.get(id).storageStats());
  },
};
