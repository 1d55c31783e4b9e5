/** Tokens: brought, renewed in time, and got anew when one is refused. @module */
import { CallApiError } from '../../index.ts';
import { rejection, same } from '../same.ts';
import { promise } from './promise.ts';

/** As the edge's are, as far as clients look at them. */
function jwt(name: string, seconds: number): string {
  const payload = JSON.stringify({ sub: name, exp: Math.floor(Date.now() / 1_000) + seconds });
  return `e30.${btoa(payload).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')}.${name}`;
}

export const tokens = [
  promise('a token is brought as a subprotocol, never in the URL', async ({ client, edge }) => {
    client({ token: 'ca.k1.secret' });
    const socket = await edge.socket();
    same(socket.protocols, ['call-api.v1', 'call-api.token.ca.k1.secret']);
    same(String(socket.query).includes('secret'), false);
  }),

  promise('a token is renewed on the live socket before it expires', async ({ client, edge }) => {
    const given = [jwt('first', 6), jwt('second', 3_600)];
    const left = [...given];
    client({ getToken: async () => left.shift() ?? 'none' });
    const socket = await edge.socket();
    same(socket.protocols.at(-1), `call-api.token.${given[0]}`);
    const request = await socket.request('Authorize');
    same(request.params, { token: given[1] });
    socket.answer(request, { expires: '2030-01-01T00:00:00.000Z' });
    socket.cut();
    same((await edge.socket()).protocols.at(-1), `call-api.token.${given[1]}`);
  }),

  promise('a token that the door refuses is replaced by a fresh one', async ({ client, edge }) => {
    await edge.refuse(401);
    let asked = 0;
    client({
      getToken: async () => {
        if (++asked > 1) await edge.refuse(0);
        return `token-${asked}`;
      },
    });
    same((await edge.socket()).protocols.at(-1), 'call-api.token.token-2');
  }),

  promise('thrown out with 4401, it comes back with a fresh token and goes on', async ({ client, edge }) => {
    let asked = 0;
    const echo = client({ getToken: async () => `token-${++asked}` }).echo();
    const before = await edge.socket();
    const request = await before.request('Echo');
    before.answer(request, {});
    before.tell(request, 'Reply', 7, { data: {} });
    before.close(4401);
    const after = await edge.socket();
    same([after.protocols.at(-1), after.query.get('since')], ['call-api.token.token-2', '7']);
    after.tell(request, 'Ended', 8);
    same(await echo.ended, {});
  }),

  promise('a token that is refused for good ends the connection, and says so', async ({ client, edge }) => {
    await edge.refuse(401);
    const api = client({ token: 'old' });
    const why = await rejection(api.echo().ended);
    if (!(why instanceof CallApiError)) throw why;
    same([why.code, why.event], [-32002, 'Lost']);
    same(api.state, { is: 'closed', why: 'unauthorized' });
  }),

  promise('one who gets tokens that are all refused is not asked for ever', async ({ client, edge }) => {
    await edge.refuse(401);
    let asked = 0;
    const api = client({ getToken: async () => `token-${++asked}` });
    const why = await rejection(api.calls.list());
    if (!(why instanceof CallApiError)) throw why;
    same([why.code, asked], [-32002, 2]);
  }),

  promise('a source that fails for a while is asked again', async ({ client, edge }) => {
    let asked = 0;
    client({
      getToken: async () => {
        if (++asked < 3) throw new Error('the back end is away');
        return 'late';
      },
    });
    same((await edge.socket()).protocols.at(-1), 'call-api.token.late');
  }),
];
