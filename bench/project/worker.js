// The project's own Worker with a door for the bench: `?site=N` chooses the site, for clients and adapters alike.
// Plain JavaScript, because types of the platform and of Node do not go together in one program.
import { keys } from '../../worker/admission.ts';
import { app } from '../../worker/app.ts';

export { Switchboard } from '../../worker/switchboard.ts';

const placeOf = (request) => ({
  site: `bench/${new URL(request.url).searchParams.get('site') ?? 0}`,
  subject: 'bench',
});

export default app({
  client: async (request) => placeOf(request),
  adapter: async (request, env) => {
    const known = await keys.adapter(request, env);
    return 'status' in known ? known : placeOf(request);
  },
});
