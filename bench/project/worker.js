// The project's own Worker with a door for the bench: `?site=N` chooses the site, for clients and adapters alike.
// Plain JavaScript, because types of the platform and of Node do not go together in one program.
import { SCOPES } from '../../shared/policy.ts';
import { app } from '../../worker/app.ts';
import { demo, UNBOUNDED } from '../../worker/door/demo.ts';

export { Switchboard } from '../../worker/switchboard.ts';
export { Directory } from '../../worker/tenant/directory.ts';
export { Tenant } from '../../worker/tenant/tenant.ts';

const visitor = (request, who) => ({
  place: `bench/${new URL(request.url).searchParams.get('site') ?? 0}`,
  who: { ...who, policy: UNBOUNDED },
});

export default app({
  client: async (request) =>
    visitor(request, { role: 'client', subject: 'bench', key: 'bench', scopes: SCOPES }),
  adapter: async (request, env) => {
    const known = await demo.adapter(request, env);
    return 'status' in known ? known : visitor(request, { role: 'adapter', key: 'bench-adapter' });
  },
});
