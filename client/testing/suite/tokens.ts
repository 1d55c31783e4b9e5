/** Tests tokens: how they are sent, renewed before they expire, and replaced when they are rejected. @module */
import { CallApiError } from '../../index.ts';
import { assertEqual, rejectionOf } from '../assertions.ts';
import { testCase } from './test-case.ts';

/** Returns a JWT with the claims that clients read. */
function jwt(name: string, seconds: number): string {
  const payload = JSON.stringify({ sub: name, exp: Math.floor(Date.now() / 1_000) + seconds });
  return `e30.${btoa(payload).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')}.${name}`;
}

export const tokens = [
  testCase('sends a token as a subprotocol, never in the URL', async ({ client, edge }) => {
    client({ token: 'ca.k1.secret' });
    const socket = await edge.socket();
    assertEqual(socket.protocols, ['call-api.v1', 'call-api.token.ca.k1.secret']);
    assertEqual(String(socket.query).includes('secret'), false);
  }),

  testCase('renews a token on the open socket before it expires', async ({ client, edge }) => {
    const jwts = [jwt('first', 6), jwt('second', 3_600)];
    const unused = [...jwts];
    client({ getToken: async () => unused.shift() ?? 'none' });
    const socket = await edge.socket();
    assertEqual(socket.protocols.at(-1), `call-api.token.${jwts[0]}`);
    const request = await socket.request('Authorize');
    assertEqual(request.params, { token: jwts[1] });
    socket.respond(request, { expires: '2030-01-01T00:00:00.000Z' });
    socket.terminate();
    assertEqual((await edge.socket()).protocols.at(-1), `call-api.token.${jwts[1]}`);
  }),

  testCase('replaces a token that is rejected on connect', async ({ client, edge }) => {
    await edge.refuse(401);
    let calls = 0;
    client({
      getToken: async () => {
        if (++calls > 1) await edge.refuse(0);
        return `token-${calls}`;
      },
    });
    assertEqual((await edge.socket()).protocols.at(-1), 'call-api.token.token-2');
  }),

  testCase('reconnects with a fresh token after close code 4401, and resumes', async ({ client, edge }) => {
    let calls = 0;
    const echo = client({ getToken: async () => `token-${++calls}` }).echo();
    const before = await edge.socket();
    const request = await before.request('Echo');
    before.respond(request, {});
    before.notify(request, 'Reply', 7, { data: {} });
    before.close(4401);
    const after = await edge.socket();
    assertEqual([after.protocols.at(-1), after.query.get('since')], ['call-api.token.token-2', '7']);
    after.notify(request, 'Ended', 8);
    assertEqual(await echo.ended, {});
  }),

  testCase(
    'closes the connection as unauthorized if its only token is rejected',
    async ({ client, edge }) => {
      await edge.refuse(401);
      const api = client({ token: 'old' });
      const error = await rejectionOf(api.echo().ended);
      if (!(error instanceof CallApiError)) throw error;
      assertEqual([error.code, error.event], [-32002, 'Lost']);
      assertEqual(api.state, { status: 'closed', reason: 'unauthorized' });
    },
  ),

  testCase('gives up after two rejected tokens in a row', async ({ client, edge }) => {
    await edge.refuse(401);
    let calls = 0;
    const api = client({ getToken: async () => `token-${++calls}` });
    const error = await rejectionOf(api.calls.list());
    if (!(error instanceof CallApiError)) throw error;
    assertEqual([error.code, calls], [-32002, 2]);
  }),

  testCase('calls getToken again after it has failed', async ({ client, edge }) => {
    let calls = 0;
    client({
      getToken: async () => {
        if (++calls < 3) throw new Error('the back end is down');
        return 'late';
      },
    });
    assertEqual((await edge.socket()).protocols.at(-1), 'call-api.token.late');
  }),
];
