/**
 * The Worker on a developer's own machine: one open tenant, `demo`. It is another entry point, not a setting, so
 * that no deployed configuration can switch it on.
 * @module
 */
import type { Admission, Place, Refusal } from './admission.ts';
import { keys } from './admission.ts';
import { app } from './app.ts';

export { Switchboard } from './switchboard.ts';

const DEMO: Place = { site: 'demo/demo', subject: 'demo' };

/**
 * Only requests to a loopback Host, and from no page or a loopback one: no web page elsewhere can dial through
 * it, not even by a name of its own that points here.
 */
const openToLoopback: Admission = {
  client: async (request) => atLoopback(request) ?? DEMO,
  adapter: async (request, env) => {
    const place = await keys.adapter(request, env);
    return 'status' in place ? place : (atLoopback(request) ?? DEMO);
  },
};

function atLoopback(request: Request): Refusal | undefined {
  const origin = request.headers.get('Origin');
  const host = request.headers.get('Host') ?? new URL(request.url).host;
  const hosts = [`http://${host}`, ...(origin === null ? [] : [origin])];
  if (hosts.every(isLoopback)) return undefined;
  return { status: 403, reason: 'this edge serves its own machine only: Host and Origin must be loopback' };
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}

export default app(openToLoopback);
