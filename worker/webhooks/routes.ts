/** `/v1/admin/tenants/:tenant/sites/:site/webhooks`: the endpoints of a site and their deliveries. @module */
import { Hono } from 'hono';
import { DeliveriesQuery, EndpointBody, EndpointChange, RotateSecretBody } from '../../shared/webhooks.ts';
import { answer, by, check, read } from '../administration.ts';
import type { Env } from '../env.ts';
import { problem } from '../problem.ts';
import type { Outcome } from '../tenant/outcome.ts';
import type { Tenant } from '../tenant/tenant.ts';
import type { Webhooks } from './webhooks.ts';

interface Context {
  readonly Bindings: Env;
  readonly Variables: {
    readonly tenant: DurableObjectStub<Tenant>;
    /** `tenant/site`. */
    readonly place: string;
    readonly webhooks: DurableObjectStub<Webhooks>;
  };
}

/** The routes, to be mounted behind those that know the tenant. What changes anything is noted in its trail. */
export function webhooks(): Hono<Context> {
  return new Hono<Context>()
    .use('*', async ({ env: { WEBHOOKS }, req, set, var: { tenant } }, next) => {
      const site = req.param('site') ?? '';
      // A site that is not has no object, and asking about it makes none.
      const isHere = (await tenant.sites()).some(({ id }) => id === site);
      if (!isHere) return problem(404, `there is no site ${site}; create it first`);
      const place = `${req.param('tenant')}/${site}`;
      set('place', place);
      set('webhooks', WEBHOOKS.get(WEBHOOKS.idFromName(place)));
      return next();
    })
    .post('/', async ({ env, req, var: { tenant, place, webhooks } }) => {
      const body = await read(EndpointBody, req.raw);
      if (body instanceof Response) return body;
      const refused = unsafe(body.url, env);
      if (refused) return refused;
      const outcome = await webhooks.create(place, body);
      await note(tenant, req.raw, 'webhook.create', place, outcome.ok ? outcome.value.id : '', outcome);
      return answer(outcome, 201);
    })
    .get('/', async ({ var: { webhooks } }) => Response.json({ webhooks: await webhooks.list() }))
    .get('/:webhook', async ({ req, var: { webhooks } }) => {
      const view = await webhooks.show(req.param('webhook'));
      return view ? Response.json(view) : nowhere(req.param('webhook'));
    })
    .patch('/:webhook', async ({ env, req, var: { tenant, place, webhooks } }) => {
      const body = await read(EndpointChange, req.raw);
      if (body instanceof Response) return body;
      const refused = body.url === undefined ? undefined : unsafe(body.url, env);
      if (refused) return refused;
      const id = req.param('webhook');
      const outcome = await webhooks.change(id, body);
      await note(tenant, req.raw, 'webhook.change', place, id, outcome);
      return answer(outcome);
    })
    .delete('/:webhook', async ({ req, var: { tenant, place, webhooks } }) => {
      const id = req.param('webhook');
      const outcome = await webhooks.remove(id);
      await note(tenant, req.raw, 'webhook.delete', place, id, outcome);
      return answer(outcome);
    })
    .post('/:webhook/rotate', async ({ req, var: { tenant, place, webhooks } }) => {
      const body = await read(RotateSecretBody, req.raw);
      if (body instanceof Response) return body;
      const id = req.param('webhook');
      const outcome = await webhooks.rotate(id, body.grace);
      await note(tenant, req.raw, 'webhook.rotate', place, id, outcome);
      return answer(outcome, 201);
    })
    .post('/:webhook/test', async ({ req, var: { tenant, place, webhooks } }) => {
      const id = req.param('webhook');
      const outcome = await webhooks.sendTest(id);
      await note(tenant, req.raw, 'webhook.test', place, id, outcome);
      return answer(outcome, 202);
    })
    .get('/:webhook/deliveries', async ({ req, var: { webhooks } }) => {
      const query = check(DeliveriesQuery, req.query());
      if (query instanceof Response) return query;
      const deliveries = await webhooks.deliveries(req.param('webhook'), query);
      if (!deliveries) return nowhere(req.param('webhook'));
      const last = deliveries.length === query.limit ? deliveries.at(-1) : undefined;
      return Response.json({ deliveries, ...(last ? { next: last.n } : {}) });
    })
    .post('/:webhook/deliveries/:n{[0-9]+}/replay', async ({ req, var: { tenant, place, webhooks } }) => {
      const { webhook: id, n } = req.param();
      const outcome = await webhooks.replay(id, Number(n));
      await note(tenant, req.raw, 'webhook.replay', place, `${id} ${n}`, outcome);
      return answer(outcome, 202);
    });
}

/** In the clear anybody on the way could read numbers. In a network of one's own that may be as it is wanted. */
function unsafe(url: string, { WEBHOOKS_TO_PRIVATE }: Env): Response | undefined {
  if (/^https:/i.test(url) || WEBHOOKS_TO_PRIVATE) return undefined;
  return problem(400, 'url: takes https:// only, since numbers of callers are sent there');
}

/** In the tenant's trail: the site, and behind it which of its webhooks. */
async function note(
  tenant: DurableObjectStub<Tenant>,
  request: Request,
  action: string,
  place: string,
  id: string,
  outcome: Outcome<unknown>,
): Promise<void> {
  const target = `${place.split('/').at(-1)} ${id}`.trim();
  await tenant.note({ ...by(request), action, target, outcome: outcome.ok ? 'ok' : outcome.reason });
}

function nowhere(id: string): Response {
  return problem(404, `there is no webhook ${id}; list them to see their ids`);
}
