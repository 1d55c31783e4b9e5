/** The edge's routes. @module */
import { Hono } from 'hono';
import { version } from '../package.json';
import type { Admission, Place, Refusal } from './admission.ts';
import type { Env } from './env.ts';
import { problem } from './problem.ts';
import { type Admitted, CALLER_HEADER, type Switchboard } from './switchboard.ts';

const SESSION = /^[A-Za-z0-9._~-]{1,64}$/;

/** The Worker, with its door. */
export function app(admission: Admission): Hono<{ Bindings: Env }> {
  return new Hono<{ Bindings: Env }>()
    .get('/call-api', async ({ env, req }) => {
      const place = await admission.client(req.raw, env);
      if ('status' in place) return refuse(place);
      const session = req.query('session') ?? crypto.randomUUID();
      if (!SESSION.test(session)) return problem(400, 'session takes 1 to 64 of A-Z a-z 0-9 . _ ~ -');
      const since = req.query('since');
      if (since !== undefined && !/^\d{1,15}$/.test(since))
        return problem(400, 'since takes the seq of a notification');
      const resumed = since === undefined ? {} : { since: Number(since) };
      return connect(req.raw, env, place, { role: 'client', subject: place.subject, session, ...resumed });
    })
    .get('/adapter', async ({ env, req }) => {
      const place = await admission.adapter(req.raw, env);
      if ('status' in place) return refuse(place);
      return connect(req.raw, env, place, { role: 'adapter' });
    })
    .get('/healthz', async ({ env, req }) => {
      const place = await admission.client(req.raw, env);
      if ('status' in place) return Response.json({ status: 'ok', version });
      const { link, running } = await switchboard(env, place).health();
      return Response.json({ status: 'ok', version, site: place.site, link, running });
    })
    .notFound(() => problem(404, 'there is nothing here; the WebSocket is at /call-api'));
}

/** Forwards an upgrade to the site's object, without whatever secrets the request carries. */
function connect(request: Request, env: Env, place: Place, admitted: Admitted): Response | Promise<Response> {
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
    return problem(426, 'this is a WebSocket: connect with an Upgrade', { Upgrade: 'websocket' });
  }
  const headers = { Upgrade: 'websocket', [CALLER_HEADER]: JSON.stringify(admitted) };
  return switchboard(env, place).fetch('https://switchboard/', { headers });
}

function switchboard(env: Env, { site }: Place): DurableObjectStub<Switchboard> {
  return env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(site));
}

function refuse({ status, reason }: Refusal): Response {
  return problem(status, reason, status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {});
}
