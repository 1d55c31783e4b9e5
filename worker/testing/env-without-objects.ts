/** An environment in which no Durable Object may be used. @module */
import { env } from 'cloudflare:workers';

/** Returns the environment of the tests, in which any use of an object namespace throws. */
export function envWithoutObjects(): Env {
  const forbidden = <T extends object>(namespace: T): T =>
    new Proxy(namespace, {
      get(_, name) {
        throw new Error(`an object namespace was used: ${String(name)}`);
      },
    });
  return {
    ...env,
    SWITCHBOARD: forbidden(env.SWITCHBOARD),
    TENANT: forbidden(env.TENANT),
    DIRECTORY: forbidden(env.DIRECTORY),
    WEBHOOKS: forbidden(env.WEBHOOKS),
  };
}
