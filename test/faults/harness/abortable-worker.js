// The Worker of `npm start` with an additional route that aborts an object, as a deployment or a crash would.
// It is plain JavaScript because the types of the platform and those of Node conflict in one program.
import worker, {
  Dialer as ProductionDialer,
  Switchboard as ProductionSwitchboard,
} from '../../../worker/local.ts';

export { Directory, Tenant, Webhooks } from '../../../worker/local.ts';

export class Switchboard extends ProductionSwitchboard {
  #turnsUntilAbort = Number.POSITIVE_INFINITY;

  /** Aborts now (0), or at the end of the given turn from now, before its output is sent. */
  abort(turns) {
    if (turns === 0) this.ctx.abort('aborted by the fault test');
    this.#turnsUntilAbort = turns;
  }

  webSocketMessage(socket, message) {
    super.webSocketMessage(socket, message);
    this.#turnsUntilAbort--;
    if (this.#turnsUntilAbort === 0) this.ctx.abort('aborted by the fault test within a turn');
  }
}

export class Dialer extends ProductionDialer {
  abort() {
    this.ctx.abort('aborted by the fault test');
  }
}

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/abort') return worker.fetch(request, env, context);
    if (searchParams.has('dialer')) {
      await env.DIALER.get(env.DIALER.idFromName('any/0'))
        .abort()
        .catch(() => {});
      return new Response(null, { status: 204 });
    }
    const site = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
    await site.abort(Number(searchParams.get('turns'))).catch(() => {});
    return new Response(null, { status: 204 });
  },
};
