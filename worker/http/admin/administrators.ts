/** `/v1/admin/administrators`: administrators with names, roles and keys of their own. @module */
import { Hono } from 'hono';
import { Id } from '../../../shared/policy/policy.ts';
import { AdministratorBody } from '../../../shared/protocol/admin/administrators.ts';
import { RotateKeyBody } from '../../../shared/protocol/admin/requests.ts';
import type { Actor } from '../../tenant/audit.ts';
import { noAdministrator } from '../../tenant/rejections.ts';
import { directoryOf } from './directory.ts';
import { generateKey, missingKeySecrets, respondWithKey } from './new-key.ts';
import { readBody, respondWith } from './request-response.ts';

interface AdministratorsEnv {
  readonly Bindings: Env;
  readonly Variables: { readonly actor: Actor };
}

/** Returns the routes, to be mounted below those that authenticate. Changes are recorded in the audit trail of the deployment. */
export function createAdministratorRoutes(): Hono<AdministratorsEnv> {
  return new Hono<AdministratorsEnv>()
    .post('/', async ({ env, req, var: { actor } }) => {
      const body = await readBody(AdministratorBody, req.raw);
      if (body instanceof Response) return body;
      if (!env.KEY_SECRETS) return missingKeySecrets();
      const { name, role } = body;
      const { id, hash, text } = await generateKey({ role: 'admin', owner: name }, env);
      return respondWithKey(
        text,
        await directoryOf(env).createAdministrator({ name, id, hash }, role, actor),
      );
    })
    .get('/', async ({ env }) =>
      Response.json({ administrators: await directoryOf(env).listAdministrators() }),
    )
    .post('/:name/rotate', async ({ env, req, var: { actor } }) => {
      const body = await readBody(RotateKeyBody, req.raw);
      if (body instanceof Response) return body;
      if (!env.KEY_SECRETS) return missingKeySecrets();
      const name = req.param('name');
      // A key cannot contain any other name.
      if (!Id.safeParse(name).success) return respondWith(noAdministrator(name));
      const parts = await generateKey({ role: 'admin', owner: name }, env);
      const { id, hash } = parts;
      const outcome = await directoryOf(env).rotateAdministrator({ name, id, hash }, body.grace, actor);
      return respondWithKey(parts.text, outcome);
    })
    .delete('/:name', async ({ env, req, var: { actor } }) =>
      respondWith(await directoryOf(env).revokeAdministrator(req.param('name'), actor)),
    );
}
