// The Worker of `npm start` with one more door, by which the bench aborts the object: as a deploy or a crash would.
// Plain JavaScript, because types of the platform and of Node do not go together in one program.
import worker, { Switchboard as Real } from '../../worker/local.ts';

export { Directory, Tenant, Webhooks } from '../../worker/local.ts';

export class Switchboard extends Real {
  #turnsLeft = Number.POSITIVE_INFINITY;

  /** Aborts now, or within the turn of that number from here: after all that it does, before anything is let go. */
  abort(turns) {
    if (turns === 0) this.ctx.abort('aborted by the bench');
    this.#turnsLeft = turns;
  }

  webSocketMessage(socket, message) {
    super.webSocketMessage(socket, message);
    this.#turnsLeft--;
    if (this.#turnsLeft === 0) this.ctx.abort('aborted by the bench within a turn');
  }
}

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/abort') return worker.fetch(request, env, context);
    const site = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
    await site.abort(Number(searchParams.get('turns'))).catch(() => {});
    return new Response(null, { status: 204 });
  },
};
