// The benches' door: `?site=N` chooses the site, for clients and adapters alike, and everybody may come in.
// Plain JavaScript, because types of the platform and of Node do not go together in one program.
import { SCOPES } from '../shared/policy.ts';
import { UNBOUNDED } from '../worker/door/demo.ts';

/** Name of the object of that site. */
export const placeOf = ({ url }) => `bench/${new URL(url).searchParams.get('site') ?? '0'}`;

const letIn = (who) => async (request) => ({ place: placeOf(request), who: { ...who, policy: UNBOUNDED } });

export const door = {
  client: letIn({ role: 'client', subject: 'bench', key: 'bench', scopes: SCOPES }),
  adapter: letIn({ role: 'adapter', key: 'bench-adapter' }),
};
