/**
 * The Worker as it is deployed, whose objects can be aborted with `POST /test/abort?class=Dialer&name=any/0`, and a site made to move to
 * the next Dialer with `POST /test/move?name=t1/s1`, as a busy one is.
 * @module
 */
import { Dialer as DeployedDialer } from '../dialer/dialer.ts';
import worker from '../index.ts';
import { Switchboard as DeployedSwitchboard } from '../switchboard/switchboard.ts';
import { Tenant as DeployedTenant } from '../tenant/tenant.ts';

export { Directory } from '../tenant/directory.ts';
export { Webhooks } from '../webhooks/webhooks.ts';

const REASON = 'aborted by a test';

export class Dialer extends DeployedDialer {
  abort(): void {
    this.ctx.abort(REASON);
  }
}

export class Switchboard extends DeployedSwitchboard {
  abort(): void {
    this.ctx.abort(REASON);
  }
}

export class Tenant extends DeployedTenant {
  abort(): void {
    this.ctx.abort(REASON);
  }
}

type AbortableNamespace = DurableObjectNamespace<Dialer | Switchboard | Tenant>;

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/test/move') {
      await env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(searchParams.get('name') ?? '')).moveLink(0);
      return new Response();
    }
    if (pathname !== '/test/abort') return worker.fetch(request, env, ctx);
    const namespace = Reflect.get(env, (searchParams.get('class') ?? '').toUpperCase()) as AbortableNamespace;
    const object = namespace.get(namespace.idFromName(searchParams.get('name') ?? ''));
    // The call fails, because the object that should answer is aborted.
    await Promise.resolve(object.abort()).catch(() => {});
    return new Response();
  },
};
