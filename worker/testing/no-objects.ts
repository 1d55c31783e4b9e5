/** An environment in which nothing may be asked of any object. @module */
import { env } from 'cloudflare:workers';
import type { Env } from '../env.ts';

/** The tests' own, but any use of a namespace of objects throws. */
export function withoutObjects(): Env {
  const untouchable = <T extends object>(namespace: T): T =>
    new Proxy(namespace, {
      get(_, name) {
        throw new Error(`an object was touched: ${String(name)}`);
      },
    });
  return {
    ...env,
    SWITCHBOARD: untouchable(env.SWITCHBOARD),
    TENANT: untouchable(env.TENANT),
    DIRECTORY: untouchable(env.DIRECTORY),
  };
}
