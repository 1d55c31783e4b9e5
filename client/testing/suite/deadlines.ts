/** Tests that everything settles when the edge, or the back end that issues the tokens, is never there. @module */
import { type CallApi, CallApiError } from '../../index.ts';
import { assertEqual, rejectionOf } from '../assertions.ts';
import { testCase } from './test-case.ts';

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await rejectionOf(promise);
  if (!(error instanceof CallApiError)) throw error;
  return [error.code, error.data];
}

/** Returns the failures of everything that a program can wait for. */
function failuresOf(api: CallApi): Promise<unknown[]> {
  const echo = api.echo();
  return Promise.all(
    [
      echo.ended,
      echo[Symbol.asyncIterator]().next(),
      api.callEnd({ callid: 'c' }).ended,
      api.calls.list(),
      api.calls.get('c'),
      api.request('Diagnose'),
    ].map(failureOf),
  );
}

export const deadlines = [
  testCase(
    'settles everything within 30 s without an edge, without a token, and with an edge that does not answer',
    async ({ client, edge }) => {
      let calls = 0;
      const silent = failuresOf(client());
      const socket = await edge.socket();
      const withoutToken = failuresOf(
        client({
          getToken: () => {
            calls++;
            return new Promise(() => {});
          },
        }),
      );
      await edge.refuse(503);
      const withoutEdge = failuresOf(client());
      const detail = 'The edge did not respond within 30 s.';
      const notSent = [-32012, `${detail} The request was not sent.`];
      for (const failures of [await withoutEdge, await withoutToken])
        assertEqual(
          failures,
          failures.map(() => notSent),
        );
      const unknown = [-32013, `${detail} The request may have run.`];
      assertEqual(
        await silent,
        (await silent).map(() => unknown),
      );
      // Each was sent once, and `getToken` was given up and called again.
      assertEqual([socket.unread, calls > 1], [5, true]);
    },
  ),
];
